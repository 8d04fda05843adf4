/** Which files are taken, and how people see them. */

export const PICTURES: readonly string[] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const PDF = "application/pdf";
const TEXT_ALL_THE_SAME = ["image/svg+xml", "video/mp2t"]; // as browsers call .svg and .ts
const TAKEN = "text, PNG, JPEG, GIF, WebP or PDF";
/** Files in one message. */
const MOST = 20;

/** A number of bytes, for people. */
export function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const [size, unit] = bytes < 1024 ** 2 ? [bytes / 1024, "KB"] : [bytes / 1024 ** 2, "MB"];
  return `${size.toFixed(size < 10 ? 1 : 0).replace(/\.0$/, "")} ${unit}`;
}

/** What a file is sent as; null when it is nothing that is taken. Browsers do not know most kinds of text by name. */
export async function typeOf(file: File): Promise<string | null> {
  if (PICTURES.includes(file.type) || file.type === PDF) return file.type;
  if (/^(image|audio|video|font)\//.test(file.type) && !TEXT_ALL_THE_SAME.includes(file.type)) return null;
  const head = new Uint8Array(await file.slice(0, 1024).arrayBuffer());
  if (head.includes(0)) return null;
  return file.type.startsWith("text/") ? file.type : "text/plain";
}

interface Given {
  readonly name: string;
  readonly size: number;
  readonly mediaType: string | null;
}

/** What is wrong with one more file beside those of a message, in words; null when nothing is. */
export function whatIsWrong(
  { name, size, mediaType }: Given,
  beside: readonly { readonly size: number }[],
  limits: Readonly<Record<string, number>>,
): string | null {
  const { fileBytes = Number.POSITIVE_INFINITY, messageFileBytes = Number.POSITIVE_INFINITY } = limits;
  const together = beside.reduce((sum, other) => sum + other.size, size);
  if (size === 0) return `${name} is empty.`;
  if (size > fileBytes) return `${name} has ${sizeOf(size)}; a file may have ${sizeOf(fileBytes)}.`;
  if (mediaType === null) return `${name} cannot be attached: files may be ${TAKEN}, and text must be UTF-8.`;
  if (beside.length >= MOST) return `A message takes ${MOST} files.`;
  if (together > messageFileBytes) return `The files of one message may have ${sizeOf(messageFileBytes)} together.`;
  return null;
}
