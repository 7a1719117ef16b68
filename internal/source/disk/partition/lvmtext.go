package partition

import (
	"strconv"
	"strings"
)

// section is a block of LVM's configuration language: values and further
// blocks. Only what muster asks for is kept of lists: the first text and the
// first number.
type section struct {
	texts    map[string]string
	numbers  map[string]int64
	lists    map[string]list
	sections map[string]*section
}

type list struct {
	text   string
	number int64
}

// put keeps a value in a map that is made with its first.
func put[T any](in *map[string]T, name string, value T) {
	if *in == nil {
		*in = map[string]T{}
	}
	(*in)[name] = value
}

const maxSectionDepth = 16

// parseSection reads a whole text.
func parseSection(text []byte, words *int) (*section, error) {
	p := &textParser{rest: string(text), words: words}
	s := &section{}
	if err := p.section(s, 0); err != nil {
		return nil, err
	}
	return s, nil
}

// textParser reads from the front of a text.
type textParser struct {
	rest string
	// words is how many values and blocks may still come.
	words *int
}

// token is the next word, text in quotes, or sign; "" at the end.
func (p *textParser) token() string {
	for {
		p.rest = strings.TrimLeft(p.rest, " \t\r\n\x00")
		if !strings.HasPrefix(p.rest, "#") {
			break
		}
		_, p.rest, _ = strings.Cut(p.rest, "\n")
	}
	if p.rest == "" {
		return ""
	}
	end := 1
	switch {
	case p.rest[0] == '"':
		for end < len(p.rest) && p.rest[end] != '"' {
			if p.rest[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end+1, len(p.rest))
	case !strings.ContainsRune("{}[]=,", rune(p.rest[0])):
		if end = strings.IndexAny(p.rest, " \t\r\n{}[]=,#"); end < 0 {
			end = len(p.rest)
		}
	}
	token := p.rest[:end]
	p.rest = p.rest[end:]
	return token
}

func (p *textParser) section(into *section, depth int) error {
	if depth > maxSectionDepth {
		return refuse("damaged: LVM's metadata is nested too deep")
	}
	for {
		name := p.token()
		if name == "" || name == "}" {
			return nil
		}
		if *p.words--; *p.words < 0 {
			return refuse("LVM's metadata has more than %d values", maxWords)
		}
		switch p.token() {
		case "{":
			child := &section{}
			put(&into.sections, name, child)
			if err := p.section(child, depth+1); err != nil {
				return err
			}
		case "=":
			p.value(into, name)
		default:
			return refuse("damaged: LVM's metadata at %.40q", name)
		}
	}
}

// value keeps what an equals sign gives to a name.
func (p *textParser) value(into *section, name string) {
	token := p.token()
	if token != "[" {
		if text, ok := quoted(token); ok {
			put(&into.texts, name, text)
		} else if number, err := strconv.ParseInt(token, 10, 64); err == nil {
			put(&into.numbers, name, number)
		}
		return
	}
	var l list
	hasText, hasNumber := false, false
	for token = p.token(); token != "]" && token != ""; token = p.token() {
		if text, ok := quoted(token); ok && !hasText {
			l.text, hasText = text, true
		} else if number, err := strconv.ParseInt(token, 10, 64); err == nil && !hasNumber {
			l.number, hasNumber = number, true
		}
	}
	put(&into.lists, name, l)
}

func quoted(token string) (string, bool) {
	if len(token) < 2 || token[0] != '"' {
		return "", false
	}
	return strings.ReplaceAll(strings.Trim(token, `"`), `\`, ""), true
}
