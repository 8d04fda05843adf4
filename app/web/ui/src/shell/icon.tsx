/** The page's few icons, drawn with lines in the colour of the text around them. */

const PATHS = {
  menu: "M4 8h16M4 16h10",
  new: "M12 5v14M5 12h14",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M8 8h8v8H8z",
  person: "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8M4 21c1-4 4-6 8-6s7 2 8 6",
  clip: "M20 11.5 12.4 19a5 5 0 0 1-7.1-7.1L13 4.3a3.3 3.3 0 0 1 4.7 4.7l-7.6 7.6a1.7 1.7 0 0 1-2.4-2.4l7-7",
  down: "M12 5v14M6 13l6 6 6-6",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  done: "M5 12.5 10 17.5 19 7",
  edit: "M4 20l1-4L16 5l3 3L8 19z",
  again: "M20 12a8 8 0 1 1-2.5-5.8M20 3v4.5h-4.5",
  left: "M14.5 6 9 12l5.5 6",
  right: "M9.5 6 15 12l-5.5 6",
  bell: "M6 17V11a6 6 0 1 1 12 0v6l1.5 2h-15zM10 21.5h4",
  bellOff: "M6 17V11a6 6 0 0 1 9.5-4.9M18 10.5V17l1.5 2h-15zM10 21.5h4M4 3.5 20 20",
  close: "M6 6l12 12M18 6 6 18",
  raise: "M6 14.5 12 9l6 5.5",
  more: "M5.5 12h.01M12 12h.01M18.5 12h.01",
  search: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14M20 20l-4-4",
  folder: "M3.5 18.5v-13h6l2 2.5h9v10.5z",
  archive: "M4 8.5h16V20H4zM3 4h18v4.5H3zM10 12.5h4",
  help: "M9 9a3 3 0 1 1 4.2 2.8c-.8.4-1.2 1-1.2 2.2M12 17.5h.01",
  sun: "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
  system: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17M12 3.5v17M15 5v14M18 7.5v9",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className="icon" data-icon={name} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
