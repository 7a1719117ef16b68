package report

import (
	"bufio"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// grid writes columns that line up on a terminal.
type grid struct {
	out   *bufio.Writer
	color bool
	// width is how many columns there are, 0 for any number.
	width int
}

// column is one column of a grid.
type column struct {
	head string
	// yields says when the column is shortened on a narrow terminal, those with
	// 1 first, never with 0; not below least. One that would have to be shorter
	// than that and may be left out is.
	yields, least int
	optional      bool
	// tail keeps the end of a text that is too long, as of paths.
	tail bool
	// right aligns numbers.
	right bool
}

const gap = 2

// rows writes a head and the rows below it. The first column may be coloured
// by its word.
func (g *grid) rows(columns []column, rows [][]string) {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = cells(c.head)
	}
	for _, row := range rows {
		for i := range row {
			row[i] = plain(row[i])
			widths[i] = max(widths[i], cells(row[i]))
		}
	}
	g.fit(columns, widths)
	head := make([]string, len(columns))
	for i, c := range columns {
		head[i] = c.head
	}
	g.line(columns, widths, head, "1")
	for _, row := range rows {
		g.line(columns, widths, row, "")
	}
}

// fit shortens columns until the whole is as wide as the terminal. A column
// that is left out has no width.
func (g *grid) fit(columns []column, widths []int) {
	if g.width == 0 {
		return
	}
	over := -gap - g.width
	for _, w := range widths {
		over += w + gap
	}
	for turn := 1; turn <= len(columns); turn++ {
		for i, c := range columns {
			switch {
			case over <= 0 || c.yields != turn:
			case c.optional && widths[i]-over < c.least:
				over -= widths[i] + gap
				widths[i] = 0
			case widths[i] > c.least:
				cut := min(over, widths[i]-c.least)
				widths[i] -= cut
				over -= cut
			}
		}
	}
}

func (g *grid) line(columns []column, widths []int, row []string, code string) {
	var b strings.Builder
	for i, cell := range row {
		if widths[i] == 0 {
			continue
		}
		cell = shorten(cell, widths[i], columns[i].tail)
		space := strings.Repeat(" ", max(0, widths[i]-cells(cell)))
		switch {
		case columns[i].right:
			cell = space + cell
		case i < len(row)-1:
			cell += space
		}
		if i == 0 && code == "" {
			cell = g.paint(colourOf(strings.TrimSpace(cell)), cell)
		}
		b.WriteString(cell)
		if i < len(row)-1 {
			b.WriteString(strings.Repeat(" ", gap))
		}
	}
	fmt.Fprintln(g.out, g.paint(code, strings.TrimRight(b.String(), " ")))
}

// paint colours a text on terminals that want it.
func (g *grid) paint(code, text string) string {
	if !g.color || code == "" || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// colourOf is the terminal's code for a severity.
func colourOf(word string) string {
	return map[string]string{"CRITICAL": "1;31", "HIGH": "31", "MEDIUM": "33", "LOW": "36"}[word]
}

// cells is how many columns a terminal needs for a text: two for the wide
// characters of East Asia, none for marks upon others.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}

func runeCells(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	case width.Neutral, width.EastAsianAmbiguous, width.EastAsianNarrow, width.EastAsianHalfwidth:
	}
	return 1
}

// shorten cuts a text to a width and marks where.
func shorten(s string, limit int, tail bool) string {
	if cells(s) <= limit {
		return s
	}
	runes := []rune(s)
	n := limit - 1
	if tail {
		i := len(runes)
		for i > 0 && n >= runeCells(runes[i-1]) {
			i--
			n -= runeCells(runes[i])
		}
		return "…" + string(runes[i:])
	}
	i := 0
	for i < len(runes) && n >= runeCells(runes[i]) {
		n -= runeCells(runes[i])
		i++
	}
	return string(runes[:i]) + "…"
}

// wrap writes a paragraph under an indent, no wider than the terminal.
func (g *grid) wrap(indent, text string) {
	text = plain(text)
	if g.width < 40 {
		fmt.Fprintln(g.out, indent+text)
		return
	}
	line := indent
	for word := range strings.FieldsSeq(text) {
		if len(line) > len(indent) && cells(line)+1+cells(word) > g.width {
			fmt.Fprintln(g.out, line)
			line = indent + "  "
		} else if len(line) > len(indent) {
			line += " "
		}
		line += word
	}
	fmt.Fprintln(g.out, line)
}

// plain drops control characters, and those that turn the direction of
// writing: cells hold publishers' and strangers' words.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, s)
}
