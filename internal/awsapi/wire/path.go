package wire

import "strconv"

// path is the place being decoded, built and cut back without allocation.
type path []byte

// member appends a structure's member; AWS lowers its first letter.
func (p *path) member(name string) (before int) {
	before = len(*p)
	if before > 0 {
		*p = append(*p, '.')
	}
	at := len(*p)
	*p = append(*p, name...)
	if at < len(*p) && (*p)[at] >= 'A' && (*p)[at] <= 'Z' {
		(*p)[at] += 'a' - 'A'
	}
	return before
}

// element appends a list's element, counted from one.
func (p *path) element(i int) (before int) {
	before = len(*p)
	*p = append(*p, '.')
	*p = strconv.AppendInt(*p, int64(i+1), 10)
	*p = append(*p, ".member"...)
	return before
}

// value appends a map's value.
func (p *path) value(key string) (before int) {
	before = len(*p)
	*p = append(append(append(*p, '.'), shorten(key)...), ".member"...)
	return before
}

func (p *path) cut(before int) { *p = (*p)[:before] }
