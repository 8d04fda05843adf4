/** Markdown by chance, made of what is hard to read: marks that begin and never end, lists, fences, tables, markup. */

const BITS = [
  "a", "b c", "\n", "\n\n", "- ", "1. ", "2) ", "* ", "  ", "    ", "```", "```py\n", "~~~", "# ", "## x", "#", "> ", "---", "|",
  "| a | b |\n|---|---|\n", "|--", "**", "*", "_", "`", "[x](http://a.b/c)", "<b>", "![i](https://e.x/y.png)", "[j](javascript:1)",
  "http://a.b.", "~~", "\n- x\n  - y\n", "***", "+", "10", ".", " ", "\\", "<script>", "<img src=x onerror=alert(1)>", "&lt;",
];

/** Numbers below a bound, the same for the same seed. */
export function chanceOf(seed: number): (below: number) => number {
  let state = seed + 1;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
}

export const someMarkdown = (below: (bound: number) => number): string =>
  Array.from({ length: 2 + below(14) }, () => BITS[below(BITS.length)]).join("");
