/** What an answer was drawn from, below it. */

import type { Part } from "@tidewire/client";

interface Source {
  readonly title: string;
  /** Where it can be read; null when it is nowhere a browser may go. */
  readonly href: string | null;
}

export function Sources({ parts }: { readonly parts: readonly Part[] }) {
  const sources = sourcesOf(parts);
  if (sources.length === 0) return null;
  return (
    <p className="sources">
      <span>Sources</span>
      {sources.map(({ title, href }, at) =>
        href ? (
          <a key={at} className="source" href={href} target="_blank" rel="noopener noreferrer nofollow">{title}</a>
        ) : (
          <span key={at} className="source">{title}</span>
        ),
      )}
    </p>
  );
}

/** The sources among the parts, each once; what a model names may be anything, so only the web is linked to. */
export function sourcesOf(parts: readonly Part[]): readonly Source[] {
  const sources = parts.flatMap((part): Source[] => {
    if (part.type === "source-document") return [{ title: part.title || part.filename || "A document", href: null }];
    if (part.type !== "source-url") return [];
    const href = /^https?:\/\//i.test(part.url) ? part.url : null;
    return [{ title: part.title || part.url, href }];
  });
  return [...new Map(sources.map((source) => [`${source.title} ${source.href}`, source])).values()];
}
