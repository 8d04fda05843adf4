/** One folded part of the account dialog. */

import type { ReactNode } from "react";

interface SectionProps {
  readonly title: string;
  readonly children: ReactNode;
  opened?(): void;
}

export function Section({ title, children, opened }: SectionProps) {
  return (
    <details className="section" onToggle={({ currentTarget }) => currentTarget.open && opened?.()}>
      <summary>{title}</summary>
      {children}
    </details>
  );
}
