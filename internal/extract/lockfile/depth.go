package lockfile

import (
	"bytes"
	"errors"
	"path"
)

// errDeep says that a file nests deeper than anybody's lock file does.
var errDeep = errors.New("nested too deeply")

// maxNesting bounds arrays within arrays of a TOML file. Its parser calls
// itself for each, and a stack that overflows ends the whole program.
const maxNesting = 500

// isTOML reports whether a lock file is written in TOML.
func isTOML(name string) bool {
	switch base := path.Base(name); base {
	case "poetry.lock", "uv.lock", "pdm.lock", "Cargo.lock":
		return true
	default:
		return path.Ext(base) == ".toml"
	}
}

// shallow refuses TOML that nests too deeply: it counts the brackets outside
// of strings and comments.
func shallow(data []byte) error {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch c := data[i]; c {
		case '[', '{':
			if depth++; depth > maxNesting {
				return errDeep
			}
		case ']', '}':
			depth = max(0, depth-1)
		case '#':
			end := bytes.IndexByte(data[i:], '\n')
			if end < 0 {
				return nil
			}
			i += end
		case '"', '\'':
			i = stringEnd(data, i)
		}
	}
	return nil
}

// stringEnd is the index of the quote that ends the string beginning at i. A
// string of one line ends with its line at the latest.
func stringEnd(data []byte, i int) int {
	quote := data[i]
	long := bytes.Repeat([]byte{quote}, 3)
	several := bytes.HasPrefix(data[i:], long)
	if several {
		i += 2
	}
	for i++; i < len(data); i++ {
		switch {
		case data[i] == '\\' && quote == '"':
			i++
		case several && bytes.HasPrefix(data[i:], long):
			return i + 2
		case !several && (data[i] == quote || data[i] == '\n'):
			return i
		}
	}
	return i
}
