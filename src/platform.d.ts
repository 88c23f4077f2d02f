// The few globals that every platform (Node, browsers) gives, for the pure layers, which see no
// Node and no DOM types.
declare class TextEncoder {
  encode(input?: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(input?: Uint8Array): string;
}
declare class URL {
  constructor(url: string, base?: string | URL);
  static canParse(url: string, base?: string): boolean;
  static parse(url: string, base?: string): URL | null;
  href: string;
  origin: string;
  protocol: string;
  username: string;
  password: string;
  host: string;
  hostname: string;
  port: string;
  pathname: string;
  search: string;
  hash: string;
  readonly searchParams: URLSearchParams;
  toString(): string;
}
declare class URLSearchParams {
  get(name: string): string | null;
  set(name: string, value: string): void;
}
declare class AbortSignal {
  readonly aborted: boolean;
  static timeout(milliseconds: number): AbortSignal;
}
/** Of strings with a character a byte; throws on a character above 255. */
declare function btoa(binary: string): string;
/** Lenient: takes white space and missing padding. */
declare function atob(base64: string): string;
