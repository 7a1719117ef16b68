package organizations_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/storetest"
)

// TestScenarios runs the scripts in testdata; testdata/README.md explains their
// language.
func TestScenarios(t *testing.T) {
	files := scenarios(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			storetest.EachURL(t, func(t *testing.T, url string) {
				c := newClock()
				st := storetest.Open(t, url, store.Options{Now: c.Now})
				s := &scenario{t: t, file: file, vars: map[string]string{}}
				opts := organizations.Options{Limits: organizations.DefaultLimits(), Transition: time.Second}
				s.setUp = func() { s.world = newWorld(t, st, c, opts) }
				s.limit = func(name string, n int) bool {
					f := reflect.ValueOf(&opts.Limits).Elem().FieldByName(name)
					if f.IsValid() {
						f.SetInt(int64(n))
					}
					return f.IsValid()
				}
				s.wait = func(d time.Duration) { opts.WaitPeriod = d }
				s.play()
			})
		})
	}
}

// scenarios are the scripts of this room and of those below it.
func scenarios(t *testing.T) []string {
	own, err := filepath.Glob("testdata/*.txt")
	below, err2 := filepath.Glob("*/testdata/*.txt")
	if err := errors.Join(err, err2); err != nil || len(own) == 0 || len(below) == 0 {
		t.Fatal("no scenarios", err)
	}
	return append(own, below...)
}

// scenario is one script being played.
type scenario struct {
	t    *testing.T
	file string
	line int
	*world
	setUp func()
	limit func(name string, n int) bool
	wait  func(time.Duration)
	vars  map[string]string

	// The last call: what it was, its output as JSON values, its error, and
	// whether a line has looked at the error.
	called  string
	out     any
	err     error
	checked bool
	// told is how many of the observer's notes were checked.
	told int
}

func (s *scenario) play() {
	f, err := os.Open(s.file)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	scanner := bufio.NewScanner(f)
	for scanner.Scan() {
		s.line++
		line := strings.TrimSpace(scanner.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s.statement(s.substitute(line))
	}
	s.settle()
}

func (s *scenario) failf(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("%s:%d: after %s: %s", s.file, s.line, s.called, fmt.Sprintf(format, args...))
}

var variable = regexp.MustCompile(`\$[a-z0-9]+`)

func (s *scenario) substitute(line string) string {
	return variable.ReplaceAllStringFunc(line, func(v string) string {
		value, ok := s.vars[v[1:]]
		if !ok {
			s.failf("unknown name %s", v)
		}
		return value
	})
}

// settle fails on a refusal that no line expected.
func (s *scenario) settle() {
	if s.err != nil && !s.checked {
		s.failf("refused: %s", describe(s.err))
	}
}

func (s *scenario) statement(line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "!":
		s.refusal(rest)
		return
	case "=":
		s.equal(rest)
		return
	case "has", "lacks":
		s.contains(rest, word == "has")
		return
	case "save":
		s.save(rest)
		return
	}
	s.settle()
	if s.world == nil && word != "limit" && word != "wait" {
		s.setUp()
	}
	if !s.arrange(word, rest) {
		s.failf("unknown statement %q", line)
	}
}

// arrange plays the statements that do something.
func (s *scenario) arrange(word, rest string) bool {
	args := strings.Fields(rest)
	switch word {
	case "limit":
		n, err := strconv.Atoi(args[1])
		return err == nil && s.limit(args[0], n)
	case "wait":
		s.wait(s.duration(rest))
	case "account":
		id, err := s.signUp(s.t.Context(), args[1], args[0])
		if err != nil {
			s.failf("%v", err)
		}
		s.vars[args[0]] = string(id)
	case "as":
		caller, rest, _ := strings.Cut(rest, " ")
		op, input, _ := strings.Cut(rest, " ")
		s.call(arn.AccountID(s.vars[caller]), op, input)
	case "state":
		err := s.store.Update(s.t.Context(), func(tx *store.Tx) error {
			return organizations.ChangeState(s.t.Context(), tx, arn.AccountID(s.vars[args[0]]), directory.State(args[1]), s.clock.Now())
		})
		if err != nil {
			s.failf("%v", err)
		}
	case "run":
		s.clock.advance(time.Second)
		if err := s.run(s.t.Context()); err != nil {
			s.failf("%v", err)
		}
	case "advance":
		s.clock.advance(s.duration(rest))
	case "told":
		s.observed(rest)
	case "refuse":
		s.notes.refuse = errors.New("the observer refuses")
	default:
		return false
	}
	return true
}

func (s *scenario) duration(text string) time.Duration {
	days, isDays := strings.CutSuffix(text, "d")
	if n, err := strconv.Atoi(days); isDays && err == nil {
		return time.Duration(n) * 24 * time.Hour
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		s.failf("%v", err)
	}
	return d
}

func (s *scenario) call(caller arn.AccountID, op, input string) {
	if input == "" {
		input = "{}"
	}
	if caller == "" {
		s.failf("unknown caller")
	}
	s.called, s.checked, s.out = op, false, nil
	var out any
	if out, s.err = s.do(s.t.Context(), caller, op, []byte(input)); s.err != nil {
		return
	}
	body, err := json.Marshal(out)
	if err == nil {
		err = json.Unmarshal(body, &s.out)
	}
	if err != nil {
		s.failf("%v", err)
	}
}

// refusal checks `Code [REASON] "text"`.
func (s *scenario) refusal(want string) {
	s.checked = true
	if s.err == nil {
		s.failf("succeeded, want %s", want)
	}
	if got := describe(s.err); got != want {
		s.failf("refused with\n  %s, want\n  %s", got, want)
	}
}

func describe(err error) string {
	known, ok := errors.AsType[awsmodel.Error](err)
	if !ok {
		return err.Error()
	}
	v := reflect.ValueOf(known).Elem()
	text := known.ErrorCode()
	if reason := v.FieldByName("Reason"); reason.IsValid() {
		text += " " + reason.String()
	}
	return text + " " + strconv.Quote(v.FieldByName("Message").String())
}

// equal checks `path value`, with the value in JSON or as a bare word.
func (s *scenario) equal(text string) {
	s.settle()
	path, value, _ := strings.Cut(text, " ")
	if got, want := s.at(path), literal(value); !reflect.DeepEqual(got, want) {
		s.failf("%s is %v, want %v", path, got, want)
	}
}

// contains checks `path value` against a list.
func (s *scenario) contains(text string, wanted bool) {
	s.settle()
	path, value, _ := strings.Cut(text, " ")
	list, ok := s.at(path).([]any)
	if !ok {
		s.failf("%s is no list", path)
	}
	found := slices.ContainsFunc(list, func(v any) bool { return reflect.DeepEqual(v, literal(value)) })
	if found != wanted {
		s.failf("%s is %v; has %s: %v, want %v", path, list, value, found, wanted)
	}
}

// literal reads a value: JSON, or a bare word; account ids are words too.
func literal(text string) any {
	var v any
	if arn.AccountID(text).Valid() || json.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	return v
}

// save keeps `path as name`.
func (s *scenario) save(text string) {
	s.settle()
	path, name, _ := strings.Cut(text, " as ")
	value, ok := s.at(path).(string)
	if !ok || value == "" {
		s.failf("%s is %v, not a text to save", path, s.at(path))
	}
	s.vars[name] = value
}

// at walks the output: members and indexes between dots, # for a length, *
// for every item of a list.
func (s *scenario) at(path string) any { return s.walk(s.out, strings.Split(path, ".")) }

func (s *scenario) walk(v any, steps []string) any {
	if len(steps) == 0 {
		return v
	}
	step, rest := steps[0], steps[1:]
	switch x := v.(type) {
	case map[string]any:
		member, ok := x[step]
		if !ok {
			s.failf("no member %s in %v", step, x)
		}
		return s.walk(member, rest)
	case []any:
		return s.walkList(x, step, rest)
	}
	s.failf("no %s in %v", step, v)
	return nil
}

func (s *scenario) walkList(list []any, step string, rest []string) any {
	switch step {
	case "#":
		return float64(len(list))
	case "*":
		var out []any
		for _, item := range list {
			out = append(out, s.walk(item, rest))
		}
		return out
	}
	i, err := strconv.Atoi(step)
	if err != nil || i >= len(list) {
		s.failf("no item %s in %v", step, list)
	}
	return s.walk(list[i], rest)
}

// observed checks that the observer has heard exactly this since the last
// check: lines separated by commas, or "nothing".
func (s *scenario) observed(text string) {
	var want []string
	if text != "nothing" {
		want = strings.Split(text, ", ")
	}
	got := s.notes.lines[s.told:]
	s.told = len(s.notes.lines)
	if !slices.Equal(got, want) {
		s.failf("the observer was told %q, want %q", got, want)
	}
}

// refused is one refusal that a scenario expects.
type refused struct{ op, code string }

// refusalsInScenarios reads the refusals by service exceptions out of all
// scenarios.
func refusalsInScenarios(t *testing.T) (list []refused) {
	t.Helper()
	for _, file := range scenarios(t) {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var op string
		for line := range strings.Lines(string(body)) {
			words := strings.Fields(line)
			switch {
			case len(words) > 2 && words[0] == "as":
				op = words[2]
			case len(words) > 1 && words[0] == "!" && strings.HasSuffix(words[1], "Exception"):
				list = append(list, refused{op, words[1]})
			}
		}
	}
	return list
}
