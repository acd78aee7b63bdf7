/** Above these bits of an error stands which library it comes from. */
const CODE_BITS = 0xffff;

/** The text of `gcry_strerror` for what the calls here can come upon; it cannot be read itself. */
const ERROR_TEXTS: ReadonlyMap<number, string> = new Map([
  [5, "invalid digest algorithm"],
  [12, "invalid cipher algorithm"],
  [44, "invalid key length"],
  [45, "invalid argument"],
  [50, "self-test failed"],
  [55, "invalid value"],
  [60, "not supported"],
  [63, "internal error"],
  [65, "invalid object"],
  [69, "not implemented"],
  [79, "invalid data"],
  [139, "invalid length"],
  [156, "invalid state"],
  [176, "not operational"],
  [200, "buffer too short"],
  [0x8000 | 86, "out of memory"],
]);

/** A call of libgcrypt that failed, which no input of a peer's can bring about. */
export class GcryptError extends Error {
  /** Tells it from other errors. */
  override readonly name = "GcryptError";
  /** The number of gpg-error.h, without the bits of the library it comes from. */
  readonly code: number;

  /**
   * Says in words what a code means.
   *
   * @param call The function's name in C.
   * @param code What it gave.
   */
  constructor(call: string, code: number) {
    super(`${call} of libgcrypt failed: ${ERROR_TEXTS.get(code) ?? "error"} (code ${code})`);
    this.code = code;
  }
}

/** The number of gpg-error.h that a call gave, without the bits of where it comes from. */
export function codeOf(error: number): number {
  return error & CODE_BITS;
}

/** The one way of errors: every call that gives a code passes here. */
export function check(call: string, error: number): void {
  const code = codeOf(error);
  if (code !== 0) throw new GcryptError(call, code);
}
