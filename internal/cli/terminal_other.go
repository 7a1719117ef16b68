//go:build !unix

package cli

import "os"

// terminalWidth: on other systems terminals are recognised by their mode, and
// how wide they are is not asked.
func terminalWidth(f *os.File) (int, bool) {
	info, err := f.Stat()
	return 0, err == nil && info.Mode()&os.ModeCharDevice != 0
}
