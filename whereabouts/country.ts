/**
 * Which country an address is in.
 *
 * @module
 */

/** ISO 3166 code of the country a canonical address is in; empty when it is in none. */
export type CountryOf = (ip: string) => string;

/**
 * Loads the embedded country database, which has the registries' own records of every address
 * (CC0; attribution to nro.net). It takes some milliseconds and 8 MB, so do it once.
 * Needs permission to read files where the program is a single file (docs/single_file.md).
 */
export async function loadCountries(): Promise<CountryOf> {
  const [{ Reader }, { default: data }, { Buffer }] = await Promise.all([
    import("mmdb-lib"),
    import("@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb", {
      with: { type: "bytes" },
    }),
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
