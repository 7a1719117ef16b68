//go:build unix

package terminal

import (
	"os"

	"golang.org/x/sys/unix"
)

// width is how many columns a terminal has, 0 where it does not know;
// false for what is none.
func width(f *os.File) (int, bool) {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	return int(size.Col), true
}
