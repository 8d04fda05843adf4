/** A file of a message: a picture itself, anything else by name. Nothing is loaded from elsewhere. */

import type { FilePart } from "@tidewire/client";
import { PICTURES } from "./kinds";

const STORED = /^\/v1\/files\/[A-Za-z0-9_-]{1,64}$/;

export function FileView({ file: { url, mediaType, filename } }: { readonly file: FilePart }) {
  const name = filename ?? "file";
  if (!STORED.test(url)) return <span className="file">{name}</span>;
  if (!PICTURES.includes(mediaType)) return <a className="file" href={url} download={name}>{name}</a>;
  return (
    <a className="picture" href={url} target="_blank" rel="noopener" title={name}>
      <img src={url} alt={name} />
    </a>
  );
}
