/** One cell: quoted where it must be, and never a formula to a spreadsheet that opens the file. */
export function cell(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) ? "'" + value : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csv(header: string[], rows: string[][]): string {
  return [header, ...rows].map((r) => r.map(cell).join(",")).join("\r\n") + "\r\n";
}

/** Hands a text over as a file. */
export function download(name: string, text: string, type = "text/csv;charset=utf-8") {
  downloadBlob(name, new Blob(["\uFEFF" + text], { type }));
}

/** Hands bytes over as a file. */
export function downloadBlob(name: string, blob: Blob) {
  const url = URL.createObjectURL(blob);
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
