package inodes

// maxCached is how many entries are kept of the latest listings, and as many of
// those before them.
const maxCached = 1 << 17

// listings keeps what was listed last: the young, and those that were young
// before. Whatever is asked for becomes young again, so that a folder too large
// to be kept with others does not drive out the folders on the way to it, nor
// they it.
type listings struct {
	young, old map[place]listed
	size       int
}

// listed is a listing, or why there is none.
type listed struct {
	entries []Entry
	err     error
}

func (l *listings) get(p place) (listed, bool) {
	if found, ok := l.young[p]; ok {
		return found, true
	}
	found, ok := l.old[p]
	if ok {
		l.put(p, found)
	}
	return found, ok
}

func (l *listings) put(p place, found listed) {
	if l.size += len(found.entries) + 1; l.size > maxCached || l.young == nil {
		l.old, l.young = l.young, map[place]listed{}
		l.size = len(found.entries) + 1
	}
	l.young[p] = found
}
