/** Debian's Python, which brings an implementation of Noise that is not ours. */

export const PYTHON = "/usr/bin/python3";

const NEEDED = [PYTHON, "/usr/lib/python3/dist-packages/dissononce/__init__.py"];

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** What to do where it is not installed, for a test's title; else undefined. */
export const missingDissononce: string | undefined = NEEDED.every(exists)
  ? undefined
  : "needs dissononce: apt-get install python3-dissononce";
