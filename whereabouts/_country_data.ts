// Country of every address, by the registries' own records (CC0; attribution to nro.net).
import data from "@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb" with {
  type: "bytes",
};

export default data;
