from wheelseal.launch import main

main()
