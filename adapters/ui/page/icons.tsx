const paths = {
  mark: "M2 5c2 0 2 1.6 4 1.6S8 5 10 5s2 1.6 4 1.6M2 9.4c2 0 2 1.6 4 1.6s2-1.6 4-1.6 2 1.6 4 1.6",
  paused: "M5.5 3.5v9M10.5 3.5v9",
  braked: "M8 2.5 14.5 13.5h-13zM8 6.5v3.2M8 11.4v.2",
  draining: "M3 8h9M8.5 4.5 12 8l-3.5 3.5",
  waiting: "M8 3.2V8l3 2M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z",
  idle: "M3.5 8.5 6.5 11.5 12.5 4.5",
  limited: "M2.5 11.5a5.5 5.5 0 1 1 11 0M8 11.5l3-4",
  back: "M9.5 3.5 5 8l4.5 4.5",
  close: "M4 4l8 8M12 4l-8 8",
} as const;

export type IconName = keyof typeof paths;

/** A shape beside a word that says the same. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
