import io
import unittest
from contextlib import redirect_stderr, redirect_stdout

from greeter import LANGUAGES, UnknownLanguage, greet
from greeter.cli import main


class Greeting(unittest.TestCase):
    def test_english_is_the_default(self):
        self.assertEqual(greet("Ada"), "Hello, Ada!")

    def test_every_language_names_the_person(self):
        for language in LANGUAGES:
            with self.subTest(language=language):
                self.assertIn("Ada", greet("Ada", language))

    def test_white_space_around_the_name_is_dropped(self):
        self.assertEqual(greet("  Ada\n"), "Hello, Ada!")

    def test_nobody_is_refused(self):
        with self.assertRaises(ValueError):
            greet("  ")

    def test_an_unknown_language_is_refused_by_name(self):
        with self.assertRaisesRegex(UnknownLanguage, "'xx'"):
            greet("Ada", "xx")


class Command(unittest.TestCase):
    def test_prints_the_greeting(self):
        printed = io.StringIO()
        with redirect_stdout(printed):
            self.assertEqual(main(["Ada", "--language", "cy"]), 0)
        self.assertEqual(printed.getvalue(), "Helo, Ada!\n")

    def test_wrong_usage_is_2_and_says_why(self):
        printed = io.StringIO()
        with redirect_stderr(printed):
            self.assertEqual(main([" "]), 2)
        self.assertIn("nobody", printed.getvalue())


if __name__ == "__main__":
    unittest.main()
