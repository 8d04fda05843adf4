import { describe, expect, it } from "vitest";
import { CommandRefused, TidewireError } from "../../src/sdk/errors.js";
import type { FileContent } from "../../src/sdk/platform.js";
import { House } from "./house.js";

interface Call {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: FileContent;
}

/** A client whose uploads are written down, and what the server answers to all of them. */
function place(status = 200, body: unknown = STORED, token: string | (() => Promise<string | undefined>) = "t_1") {
  const house = new House();
  const calls: Call[] = [];
  const answer = { ok: status === 200, status, json: async () => body };
  const upload = async (url: string, headers: Call["headers"], content: FileContent) => {
    calls.push({ url, headers, body: content });
    return answer;
  };
  return { calls, client: house.client({ url: "http://house/", token, platform: { ...house.platform, upload } }) };
}

const STORED = { fileId: "fil_1", url: "/v1/files/fil_1", mediaType: "image/png", filename: "sea.png", size: 3, more: 1 };
const BYTES = new Uint8Array([1, 2, 3]);

describe("an upload", () => {
  it("sends the bytes with the token, and returns what a question names", async () => {
    const { calls, client } = place();
    const file = await client.upload(BYTES, { filename: "sea.png", mediaType: "image/png" });
    const headers = { "content-type": "image/png", "x-filename": "sea.png", authorization: "Bearer t_1" };
    expect(calls).toEqual([{ url: "http://house/v1/files", headers, body: BYTES }]);
    const part = { type: "file", url: "/v1/files/fil_1", mediaType: "image/png", filename: "sea.png" };
    expect(file).toEqual({ fileId: "fil_1", size: 3, part });
  });

  it("says of a file what it says of itself, in ASCII", async () => {
    const { calls, client } = place();
    await client.upload(new File(["a"], "Süd \ud83d.png", { type: "image/png" }));
    await client.upload(new Blob(["a"], { type: "application/x-tar" }));
    expect(calls.map(({ headers }) => [headers["content-type"], headers["x-filename"]])).toEqual([
      ["image/png", "S%C3%BCd%20%EF%BF%BD.png"],
      ["application/octet-stream", ""],
    ]);
  });

  it("asks for a fresh token where tokens come from, and needs none beside a cookie", async () => {
    const fresh = place(200, STORED, async () => "t_2");
    await fresh.client.upload(BYTES);
    expect(fresh.calls[0]?.headers.authorization).toBe("Bearer t_2");
    const cookie = place(200, STORED, async () => undefined);
    await cookie.client.upload(BYTES);
    expect(cookie.calls[0]?.headers).not.toHaveProperty("authorization");
  });

  it("that is refused says why", async () => {
    const error = { code: "frame_too_large", message: "This file is larger than 5 MB.", retryable: false };
    const refused = place(413, { error }).client.upload(BYTES);
    await expect(refused).rejects.toBeInstanceOf(CommandRefused);
    await expect(refused).rejects.toMatchObject({ command: "/v1/files", error });
    const broken = place(502, "Bad Gateway").client.upload(BYTES);
    await expect(broken).rejects.toMatchObject({ error: { code: "internal", retryable: true } });
  });

  it("needs a platform that can", async () => {
    await expect(new House().client().upload(BYTES)).rejects.toBeInstanceOf(TidewireError);
  });
});
