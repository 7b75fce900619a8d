/** So many of something, such as "1 message" and "2 messages". */
export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}
