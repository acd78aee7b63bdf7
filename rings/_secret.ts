const encoder = new TextEncoder();

/**
 * Whether a guess is the secret, in time that tells nothing about the secret. An empty secret is
 * no secret: nothing equals it.
 */
export function equalsSecret(guess: string, secret: string): boolean {
  if (secret === "") return false;
  const a = encoder.encode(guess);
  const b = encoder.encode(secret);
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) {
    difference |= (a[i] as number) ^ (b[i % b.length] as number);
  }
  return difference === 0;
}
