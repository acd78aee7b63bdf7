/**
 * Which country an address is in.
 *
 * @module
 */

/** ISO 3166 code of the country a canonical address is in; empty when it is in none. */
export type CountryOf = (ip: string) => string;

/** Loads the embedded country database. It takes some milliseconds and 8 MB, so do it once. */
export async function loadCountries(): Promise<CountryOf> {
  const [{ Reader }, { default: data }, { Buffer }] = await Promise.all([
    import("mmdb-lib"),
    import("./_country_data.ts"),
    import("node:buffer"),
  ]);
  const reader = new Reader(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  return (ip) => {
    // This database is flatter than those that the library has types for.
    const found = reader.get(ip) as { readonly country_code?: string } | null;
    const code = found?.country_code ?? "";
    return /^[A-Z]{2}$/.test(code) ? code : "";
  };
}
