import assert from "node:assert/strict";
import fc from "fast-check";
import {
  canonicalAddress,
  formatEndpoint,
  hostKey,
  isIpv6,
  networkKey,
  parseEndpoint,
  parsePort,
} from "../../protocol/mod.ts";

const port = fc.integer({ min: 1, max: 65535 });

Deno.test("canonicalAddress: the same host has one spelling", () => {
  const spellings: [string, string][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:192.0.2.1", "192.0.2.1"],
    ["::ffff:c000:201", "192.0.2.1"],
    ["0:0:0:0:0:ffff:c000:0201", "192.0.2.1"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:0db8::0001", "2001:db8::1"],
    ["2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"],
    ["::1", "::1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["127.0.0.1", "127.0.0.1"],
    ["255.255.255.255", "255.255.255.255"],
  ];
  for (const [text, canonical] of spellings) assert.equal(canonicalAddress(text), canonical, text);
});

Deno.test("canonicalAddress: what is no address is none", () => {
  const none = [
    "",
    "localhost",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "1.2.3.-4",
    "1.2.3.4:80",
    "0x7f.0.0.1",
    "2130706433",
    "[::1]",
    ":::1",
    "1::2::3",
    "12345::",
    "::ffff:1.2.3.256",
    "*",
    " 1.2.3.4",
    "1.2.3.4\n",
    "::ffff:::ffff:1.2.3.4",
  ];
  for (const text of none) assert.equal(canonicalAddress(text), undefined, JSON.stringify(text));
});

Deno.test("canonicalAddress: its own result is canonical", () => {
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
    const canonical = canonicalAddress(address);
    assert.ok(canonical !== undefined, address);
    assert.equal(canonicalAddress(canonical), canonical);
    assert.equal(canonical, canonical.toLowerCase());
  }));
});

Deno.test("formatEndpoint, parseEndpoint: are each other's inverse", () => {
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), port, (address, number) => {
    const ip = canonicalAddress(address) as string;
    const endpoint = formatEndpoint(ip, number);
    assert.deepEqual(parseEndpoint(endpoint), { ip, port: number });
    assert.equal(endpoint.startsWith("["), isIpv6(ip));
  }));
  assert.equal(formatEndpoint("192.0.2.1", 3030), "192.0.2.1:3030");
  assert.equal(formatEndpoint("2001:db8::1", 3030), "[2001:db8::1]:3030");
});

Deno.test("parseEndpoint: throws a TypeError that quotes what is no endpoint", () => {
  for (const text of ["", ":", ":80", "[]:80", "1.2.3.4", "1.2.3.4:", "1.2.3.4:0", "[::1]:x"]) {
    assert.throws(() => parseEndpoint(text), (error) => {
      assert.ok(error instanceof TypeError);
      assert.ok(error.message.includes(`"${text}"`), error.message);
      return true;
    });
  }
});

Deno.test("parsePort: 1 to 65535 in decimal digits and nothing else", () => {
  fc.assert(fc.property(port, (number) => assert.equal(parsePort(String(number)), number)));
  const none = [
    undefined,
    "",
    "0",
    "00",
    "65536",
    "99999",
    "100000",
    "-1",
    "+1",
    "1.0",
    "1e3",
    "0x50",
    " 80",
    "80 ",
    "80\n",
    "٣٠٣٠",
    "3030;",
  ];
  for (const text of none) assert.equal(parsePort(text), undefined, JSON.stringify(text));
  assert.equal(parsePort("03030"), 3030);
});

Deno.test("hostKey: an IPv4 address by itself, an IPv6 address by its /64", () => {
  assert.notEqual(hostKey("192.0.2.1"), hostKey("192.0.2.2"));
  assert.equal(hostKey("2001:db8:1:2::1"), hostKey("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  assert.notEqual(hostKey("2001:db8:1:2::1"), hostKey("2001:db8:1:3::1"));
  assert.notEqual(hostKey("2001:db8::1"), hostKey("2001:db9::1"));
  assert.equal(hostKey("::1"), hostKey("::2"));
});

Deno.test("networkKey: an IPv4 address by its /24, an IPv6 address by its /64", () => {
  assert.equal(networkKey("192.0.2.1"), networkKey("192.0.2.255"));
  assert.notEqual(networkKey("192.0.2.1"), networkKey("192.0.3.1"));
  assert.notEqual(networkKey("1.92.0.2"), networkKey("19.2.0.2"));
  assert.equal(networkKey("2001:db8:1:2::1"), networkKey("2001:db8:1:2:8000::"));
  assert.notEqual(networkKey("2001:db8:1:2::1"), networkKey("2001:db8:1:3::1"));
});
