package beside

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// Head starts the table of a comparison.
func Head(w io.Writer) {
	fmt.Fprintln(w, "| Target | Scanner | Packages | Matches | Wall | Processor time | Peak memory |")
	fmt.Fprintln(w, "|---|---|---:|---:|---:|---:|---:|")
}

// Tell writes the row of a table.
func (r Row) Tell(w io.Writer) {
	if r.Err != nil {
		fmt.Fprintf(w, "| %s | %s | %v | | %s | %s | %d MiB |\n", r.Target, r.Tool, r.Err, seconds(r.Wall), seconds(r.CPU), r.Memory>>20)
		return
	}
	fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %d MiB |\n", r.Target, r.Tool, count(r.Packages), count(r.Matches), seconds(r.Wall), seconds(r.CPU), r.Memory>>20)
}

func count(n int) string {
	if n < 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
