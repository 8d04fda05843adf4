import type { Part } from "@tidewire/client";
import { describe, expect, it } from "vitest";
import { sourcesOf } from "../../src/parts/sources";

const url = (address: string, title?: string): Part => ({ type: "source-url", sourceId: address, url: address, title }) as Part;

describe("the sources of an answer", () => {
  it("are named once each, and linked to where they are on the web", () => {
    const page = { type: "source-document", sourceId: "s", mediaType: "text/markdown", title: "Tides" } as Part;
    expect(sourcesOf([{ type: "text", text: "x" } as Part, url("https://a.example/", "A"), page, page, url("https://a.example/", "A")])).toEqual([
      { title: "A", href: "https://a.example/" },
      { title: "Tides", href: null },
    ]);
    expect(sourcesOf([url("https://a.example/")])).toEqual([{ title: "https://a.example/", href: "https://a.example/" }]);
  });

  it.each(["javascript:alert(1)", "data:text/html,x", " javascript:alert(1)", "//evil.example", "/v1/export"])("are no links to %j", (address) => {
    expect(sourcesOf([url(address, "x")])).toEqual([{ title: "x", href: null }]);
  });
});
