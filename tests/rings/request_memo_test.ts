import assert from "node:assert/strict";
import { TextDecoderStream } from "../../protocol/mod.ts";
import { RequestMemo } from "../../rings/_request_memo.ts";
import { bytes } from "../_helpers.ts";

const LIST = "\\list\\gamename\\netpanzer\\final\\";

Deno.test("RequestMemo: recalls the same bytes and no others", () => {
  const memo = new RequestMemo();
  const decoded = new TextDecoderStream().push(bytes(LIST));
  const buffer = bytes(LIST);
  memo.remember(buffer, decoded);
  buffer.fill(0);
  assert.equal(memo.recall(bytes(LIST)), decoded, "the bytes were copied");
  assert.equal(memo.recall(bytes(LIST.replace("net", "not"))), undefined);
  assert.equal(memo.recall(bytes(LIST.slice(1))), undefined);
  assert.equal(memo.recall(bytes("")), undefined);
});

Deno.test("RequestMemo: one request of each length", () => {
  const memo = new RequestMemo();
  const other = LIST.replace("net", "not");
  const longer = `${LIST}\n`;
  for (const text of [LIST, longer, other]) {
    memo.remember(bytes(text), new TextDecoderStream().push(bytes(text)));
  }
  assert.equal(memo.recall(bytes(LIST)), undefined);
  for (const text of [other, longer]) {
    assert.deepEqual(memo.recall(bytes(text)), new TextDecoderStream().push(bytes(text)));
  }
});

Deno.test("RequestMemo: several messages, none, a refusal and long ones are not remembered", () => {
  const memo = new RequestMemo();
  for (
    const text of [
      LIST + LIST,
      "\\list\\",
      "\\" + "x".repeat(300),
      `\\a\\${"b".repeat(250)}\\final\\`,
    ]
  ) {
    memo.remember(bytes(text), new TextDecoderStream().push(bytes(text)));
    assert.equal(memo.recall(bytes(text)), undefined, text.slice(0, 40));
  }
});
