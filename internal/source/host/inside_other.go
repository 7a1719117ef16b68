//go:build !linux

package host

import "os"

// openInside gives the tree below root; absolute links are errors here.
func openInside(root string) (tree, error) { return os.OpenRoot(root) }
