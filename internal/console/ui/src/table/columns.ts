/** The columns in the reader's order; those that came since stand where the page has them. */
export function displayed(columns: { id: string }[], kept: { visible: string[]; order: string[] }): { id: string; visible: boolean }[] {
  const place = new Map(kept.order.map((id, i) => [id, i]));
  const at = (id: string, usual: number) => place.get(id) ?? usual;
  return columns.map((c, i) => ({ id: c.id, i: at(c.id, i) })).sort((a, b) => a.i - b.i).map(({ id }) => ({ id, visible: kept.visible.includes(id) }));
}
