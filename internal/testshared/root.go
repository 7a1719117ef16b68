package testshared

import (
	"fmt"
	"os"
	"path/filepath"
)

// Root is the folder of the project's go.mod, looked for upwards from the
// working directory. The compiler's word for where a file lies would do too, but
// not in a build with -trimpath, whose cache several checkouts can share.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod above the working directory")
		}
		dir = up
	}
}
