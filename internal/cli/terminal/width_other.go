//go:build !unix

package terminal

import "os"

// width: on other systems terminals are recognised by their mode, and
// how wide they are is not asked.
func width(f *os.File) (int, bool) {
	info, err := f.Stat()
	return 0, err == nil && info.Mode()&os.ModeCharDevice != 0
}
