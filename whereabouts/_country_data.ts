// Country of every address, by the registries' own records (CC0; attribution to nro.net).
import data from "npm:@ip-location-db/geo-whois-asn-country-mmdb@2.3.2026061719/geo-whois-asn-country.mmdb" with {
  type: "bytes",
};

export default data;
