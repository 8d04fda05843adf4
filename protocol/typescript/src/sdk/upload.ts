/** Files: uploaded over HTTP, named in questions. */

import { object, text, whole } from "../reading.js";
import { answerOf } from "./http.js";
import { TidewireError } from "./errors.js";
import type { FileContent, Platform } from "./platform.js";

/** How a file is uploaded; what is left out is what a `File` or `Blob` says of itself. */
export interface UploadOptions {
  readonly filename?: string;
  /** When nobody says it, the server tells by the bytes. */
  readonly mediaType?: string;
}

/** The part of a message that names a file; `ai` calls it `FileUIPart`. */
export interface UploadedPart {
  readonly type: "file";
  readonly url: string;
  readonly mediaType: string;
  readonly filename: string;
}

/** A file the server has; `size` in bytes. It goes after a day unless a question names it. */
export interface UploadedFile {
  readonly fileId: string;
  readonly size: number;
  /** What to put into a question: `client.send(chatId, [{ type: "text", text }, file.part])`. */
  readonly part: UploadedPart;
}

const PATH = "/v1/files";
// What the server tells by the bytes; of anything else it finds out itself whether it is text.
const TOLD: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"]);

const stored = object<{ fileId: string; url: string; mediaType: string; filename: string; size: number }>({
  fileId: text,
  url: text,
  mediaType: text,
  filename: text,
  size: whole,
});

/**
 * Upload a file; see `Client.upload`.
 *
 * @param url of the server; empty for the page's own.
 * @param token a session or API token; undefined when a cookie says who we are.
 */
export async function upload(
  url: string,
  platform: Platform,
  token: string | undefined,
  content: FileContent,
  options: UploadOptions,
): Promise<UploadedFile> {
  if (!platform.upload) throw new TidewireError("This platform cannot upload: give it `upload`.");
  const own: { readonly type?: string; readonly name?: string } = content instanceof Uint8Array ? {} : content;
  const headers = {
    "content-type": told(options.mediaType ?? own.type ?? ""),
    "x-filename": inAscii(options.filename ?? own.name ?? ""),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  const reply = await platform.upload(`${url}${PATH}`, headers, content);
  const { fileId, size, ...named } = await answerOf(PATH, reply, stored);
  return { fileId, size, part: { type: "file", ...named } };
}

/** A media type that the server takes or contradicts by the bytes; of any other kind it looks for itself. */
const told = (mediaType: string): string =>
  TOLD.has(mediaType) || mediaType.startsWith("text/") ? mediaType : "application/octet-stream";

/** Percent-encoded; half an emoji, which no encoder takes, becomes U+FFFD. */
const inAscii = (name: string): string => encodeURIComponent(name.replace(/\p{Surrogate}/gu, "\ufffd"));
