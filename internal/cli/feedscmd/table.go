package feedscmd

import (
	"io"
	"strings"
	"text/tabwriter"
)

// table prints columns. Cells may hold a publisher's words, so control
// characters are dropped.
type table struct{ lines []string }

func newTable(head ...string) *table {
	t := &table{}
	t.row(head...)
	return t
}

func (t *table) row(cells ...string) {
	for i, c := range cells {
		cells[i] = strings.Map(printable, c)
	}
	t.lines = append(t.lines, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}

func (t *table) write(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, l := range t.lines {
		if _, err := io.WriteString(tw, l+"\n"); err != nil {
			return err
		}
	}
	return tw.Flush()
}
