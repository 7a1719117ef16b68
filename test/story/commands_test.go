package story

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// commands are what scripts are written in, beside testscript's own.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"aws": awsCommand, "refused": refusedCommand, "until": untilCommand,
	"json": jsonCommand, "names": namesCommand,
	"account": accountCommand, "user": userCommand, "session": sessionCommand,
	"alone": aloneCommand, "state": stateCommand,
	"host": hostCommand, "feeds": feedsCommand, "own": ownCommand, "facts": factsCommand, "collector": collectorCommand,
	"deny": denyCommand, "untilown": untilOwnCommand,
}

// awsCommand: aws PROFILE SERVICE OPERATION …
func awsCommand(ts *testscript.TestScript, neg bool, args []string) {
	a, err := worldOf(ts).call(args[0], args[1:]...)
	if err != nil {
		ts.Fatalf("aws %v: %v", args, err)
	}
	if neg {
		ts.Fatalf("write what is refused, and how: refused CODE TEXT PROFILE …")
	}
	if a.Code != 0 {
		ts.Fatalf("aws %v: %s", args, a.Stderr)
	}
}

// refusal is how the CLI prints an exception.
var refusal = regexp.MustCompile(`An error occurred \((\w+)\) when calling the \w+ operation(?: \(reached max retries: \d+\))?: ?(.*)`)

// refusedCommand: refused CODE TEXT PROFILE SERVICE OPERATION … calls what must
// fail with exactly this code and text; '*' is any text.
func refusedCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 5 {
		ts.Fatalf("usage: refused CODE TEXT PROFILE SERVICE OPERATION …")
	}
	a, err := worldOf(ts).call(args[2], args[3:]...)
	if err != nil {
		ts.Fatalf("aws %v: %v", args[2:], err)
	}
	if a.Code == 0 {
		ts.Fatalf("aws %v succeeded: %s", args[2:], a.Stdout)
	}
	got := refusal.FindStringSubmatch(a.Stderr)
	if got == nil || got[1] != args[0] || args[1] != "*" && got[2] != args[1] {
		ts.Fatalf("aws %v:\n got %s\nwant (%s) %s", args[2:], strings.TrimSpace(a.Stderr), args[0], args[1])
	}
}

// patience bounds how long a script waits for what must come by itself.
const patience = 30 * time.Second

// untilCommand: until PATTERN PROFILE SERVICE OPERATION … repeats a call until
// its answer, blanks removed, matches; with "!" until it no longer does.
func untilCommand(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	re := regexp.MustCompile(args[0])
	for deadline := time.Now().Add(patience); ; {
		a, err := w.call(args[1], args[2:]...)
		if err != nil {
			ts.Fatalf("until %v: %v", args, err)
		}
		if a.Code == 0 && re.MatchString(strings.Join(strings.Fields(a.Stdout), "")) != neg {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("until %v: the last answer is %s%s", args, a.Stdout, a.Stderr)
		}
	}
}

// jsonCommand: json PATH VALUE compares a value of the last answer;
// json PATH -> NAME keeps it as an environment variable. A path is field names
// and list indexes joined by dots; "len" is a list's length; a value that is not
// there is "absent".
func jsonCommand(ts *testscript.TestScript, neg bool, args []string) {
	got, err := lookup(worldOf(ts).stdout, args[0])
	if err != nil {
		ts.Fatalf("json %s: %v", args[0], err)
	}
	switch {
	case len(args) == 3 && args[1] == "->":
		ts.Setenv(args[2], got)
	case len(args) != 2:
		ts.Fatalf("usage: json PATH VALUE | json PATH -> NAME")
	case (got == args[1]) == neg:
		ts.Fatalf("json %s: got %q, want%s %q", args[0], got, map[bool]string{true: " anything but"}[neg], args[1])
	}
}

func lookup(body, path string) (string, error) {
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		return "", fmt.Errorf("%w: %s", err, body)
	}
	for step := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[step]
		case []any:
			if step == "len" {
				return strconv.Itoa(len(x)), nil
			}
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(x) {
				return "", fmt.Errorf("no element %s of %d in %s", step, len(x), body)
			}
			v = x[i]
		default:
			return "", fmt.Errorf("%s: nothing below %v in %s", step, v, body)
		}
	}
	switch x := v.(type) {
	case nil:
		return "absent", nil
	case string:
		return x, nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

// namesCommand: names LIST FIELD WANT… compares the values that a field has
// over a list of the last answer, each once and in any order.
func namesCommand(ts *testscript.TestScript, neg bool, args []string) {
	list, field, want := args[0], args[1], args[2:]
	n, err := lookup(worldOf(ts).stdout, list+".len")
	if err != nil {
		ts.Fatalf("names: %v", err)
	}
	var got []string
	for i := range atoi(n) {
		v, err := lookup(worldOf(ts).stdout, fmt.Sprintf("%s.%d.%s", list, i, field))
		if err != nil {
			ts.Fatalf("names: %v", err)
		}
		got = append(got, v)
	}
	slices.Sort(got)
	slices.Sort(want)
	if got = slices.Compact(got); slices.Equal(got, want) == neg {
		ts.Fatalf("names %s %s: got %v, want %v", list, field, got, want)
	}
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s) // 0 is what no list has
	return n
}

// accountCommand: account NAME… creates accounts in the organization, sets
// $NAME to their ids and makes their administrators profiles of their names.
func accountCommand(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	for _, name := range args {
		id, err := w.createAccount(name)
		if err == nil {
			err = w.enter(name, "management", id)
		}
		if err != nil {
			ts.Fatalf("account %s: %v", name, err)
		}
		ts.Setenv(strings.ToUpper(name), id)
	}
}

// userCommand: user NAME PROFILE POLICY… makes an IAM user that holds these
// AWS-managed policies alone, in the profile's account, a profile.
func userCommand(ts *testscript.TestScript, _ bool, args []string) {
	if err := worldOf(ts).user(args[0], args[1], args[2:]); err != nil {
		ts.Fatalf("user %v: %v", args, err)
	}
}

// sessionCommand: session NAME makes the credentials of the last answer a
// profile.
func sessionCommand(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	var c credentials
	for field, to := range map[string]*string{"AccessKeyId": &c.id, "SecretAccessKey": &c.secret, "SessionToken": &c.token} {
		v, err := lookup(w.stdout, "Credentials."+field)
		if err != nil {
			ts.Fatalf("session %v: %v", args, err)
		}
		*to = v
	}
	w.profiles[args[0]] = c
}
