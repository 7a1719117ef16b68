package main

import (
	"fmt"
	"regexp"
	"strings"
)

// rewritten holds the patterns that Go's syntax cannot express as they stand,
// each checked by hand. Generation fails on any other that does not compile.
func rewritten() map[string][2]string {
	return map[string][2]string{
		// A look-ahead at the start: the same class, and not this prefix.
		`(?!aws:)[a-zA-Z+-=._:/]+`: {`[a-zA-Z+-=._:/]+`, `aws:.*`},
		// A hyphen not followed by a hyphen: any, and never two in a row. The
		// last letter or digit keeps the final hyphen out, as in the original.
		`^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$`: {`[a-z0-9][a-z0-9-]{1,61}[a-z0-9]`, `.*--.*`},
		// Go counts repetitions to 1000.
		`https://[-a-zA-Z0-9()@:%_+.~#?&//=]{1,1024}`: {`https://[-a-zA-Z0-9()@:%_+.~#?&//=]{1,1000}[-a-zA-Z0-9()@:%_+.~#?&//=]{0,24}`, ``},
		// The model means the supplementary planes; its syntax has four digits.
		`[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+`: {`[\x{9}\x{A}\x{D}\x{20}-\x{7E}\x{85}\x{A0}-\x{D7FF}\x{E000}-\x{FFFD}\x{10000}-\x{10FFFF}]+`, ``},
	}
}

// convertPattern translates a model's pattern (Java's syntax, matched against
// the whole value) to Go's syntax, anchored.
func convertPattern(p string) (match, notMatch string, err error) {
	body, not := p, ""
	if r, ok := rewritten()[p]; ok {
		body, not = r[0], r[1]
	} else {
		body = convertEscapes(p)
	}
	match = anchored(body)
	if not != "" {
		notMatch = anchored(not)
	}
	for _, re := range []string{match, notMatch} {
		if _, err := regexp.Compile(re); err != nil {
			return "", "", fmt.Errorf("pattern %q needs a line in rewritten: %w", p, err)
		}
	}
	return match, notMatch, nil
}

func anchored(p string) string { return `\A(?:` + p + `)\z` }

// convertEscapes turns \uXXXX into \x{XXXX}, and \s into the six characters it
// means in Java, where Go leaves the vertical tab out.
func convertEscapes(p string) string {
	var b strings.Builder
	inClass := false
	for i := 0; i < len(p); i++ {
		switch {
		case p[i] == '\\' && i+5 < len(p) && p[i+1] == 'u':
			b.WriteString(`\x{` + p[i+2:i+6] + `}`)
			i += 5
		case p[i] == '\\' && i+1 < len(p) && p[i+1] == 's':
			b.WriteString(javaSpace(inClass))
			i++
		case p[i] == '\\' && i+1 < len(p):
			b.WriteString(p[i : i+2])
			i++
		default:
			if p[i] == '[' {
				inClass = true
			} else if p[i] == ']' {
				inClass = false
			}
			b.WriteByte(p[i])
		}
	}
	return b.String()
}

func javaSpace(inClass bool) string {
	const space = `\t\n\x0B\f\r `
	if inClass {
		return space
	}
	return "[" + space + "]"
}
