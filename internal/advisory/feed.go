package advisory

import (
	"cmp"
	"strings"
)

// CompareFeeds orders the feeds of a publisher by precedence: what tells of
// each vulnerability in every product before notices about fixes, and those
// before what OSV made of them. What a feed says of a vulnerability silences
// those below it.
func CompareFeeds(a, b string) int {
	return cmp.Or(cmp.Compare(feedRank(a), feedRank(b)), strings.Compare(a, b))
}

func feedRank(feed string) int {
	switch {
	case feed == "":
		return 2
	case strings.HasSuffix(feed, "-vex"), strings.HasSuffix(feed, "-tracker"):
		return 0
	}
	return 1
}
