package models

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"muster/internal/store/storetest"
	"muster/test/livetest"
)

// services are the services of the product that clients know.
var services = []string{"inspector2", "organizations", "iam", "sts", "ecr", "inspector-scan", "muster"}

// TestValidRequests sends every operation's minimal and full input as every
// kind of caller: each is answered as the model allows, in the model's shape.
func TestValidRequests(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		t.Parallel()
		w := newWorld(t, url)
		for _, action := range w.actions() {
			for _, full := range []bool{false, true} {
				for _, caller := range kinds {
					if strings.HasPrefix(url, "sqlite") { // names of nothing, once is enough
						w.valid(t, caller, action, nil, full)
					}
					w.valid(t, caller, action, w.known, full)
				}
			}
		}
	})
}

// actions lists all operations: what reads first, what ends things last.
func (w *world) actions() []string {
	var list []string
	for _, service := range services {
		for _, op := range w.models[service].OperationNames() {
			list = append(list, service+":"+op)
		}
	}
	slices.SortStableFunc(list, func(a, b string) int { return cmp.Compare(harm(a), harm(b)) })
	return list
}

// harm says how much of what others need an operation takes away.
func harm(action string) int {
	_, op := actionOf(action)
	has := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(op, p) })
	}
	switch {
	case has("CloseAccount"):
		return 5
	case has("RemoveAccount", "DeleteOrganization", "LeaveOrganization"):
		return 4
	case has("Delete", "Disable", "Disassociate", "Deregister", "Detach", "Remove", "Decline", "Cancel"):
		return 3
	case has("Get", "List", "Describe", "BatchGet", "Search", "Simulate"):
		return 1
	}
	return 2
}

func (w *world) valid(t *testing.T, caller, action string, known map[string]func() any, full bool) {
	service, op := actionOf(action)
	m := w.models[service]
	in := sampler{m: m, full: full, known: known}.input(op)
	a, err := w.callers[caller].Call(t.Context(), service, op, in)
	what := fmt.Sprintf("%s by %s of %v", action, caller, in)
	switch {
	case err != nil:
		t.Errorf("%s: %v", what, err)
	case caller == "member" && harm(action) == 5:
		// It has been closed, and its keys with it.
	case !w.implemented[action]:
		if a.Status != 501 || strings.TrimSuffix(a.Code, "Exception") != "NotImplemented" {
			t.Errorf("%s: not implemented, and answers %v", what, a)
		}
	case a.OK():
		for _, wrong := range conform(m, op, a) {
			if !excused(action, wrong) {
				t.Errorf("%s: the answer is not of the model's shape: %s\n%v", what, wrong, a)
			}
		}
	default:
		w.declared(t, what, action, a)
	}
}

// declared holds a refusal against those that the model declares.
func (w *world) declared(t *testing.T, what, action string, a livetest.Answer) {
	service, op := actionOf(action)
	m := w.models[service]
	for _, name := range m.Operations[op].Errors {
		e := m.Shapes[name]
		code, status := cmp.Or(e.Error.Code, name), cmp.Or(e.Error.HTTPStatusCode, 400)
		if a.Code == code && a.Status == status && a.Status < 500 {
			return
		}
	}
	if !slices.Contains(common(service), fmt.Sprint(a.Status, " ", a.Code)) {
		t.Errorf("%s: the model does not declare %v", what, a)
	}
}

// common are the refusals that every operation of a service may answer with.
func common(service string) []string {
	switch service {
	case "iam", "sts":
		return []string{"403 AccessDenied", "400 ValidationError"}
	case "ec2":
		return []string{"403 UnauthorizedOperation", "400 InvalidParameterValue", "412 DryRunOperation"}
	case "inspector2", "inspector-scan":
		return []string{"403 AccessDeniedException", "400 ValidationException"}
	}
	return []string{"400 AccessDeniedException"}
}

// excused are the places where the specification departs from the model.
func excused(action, wrong string) bool {
	if strings.HasSuffix(wrong[:strings.Index(wrong, ":")], "Arn") && strings.Contains(wrong, "_policy/p-") {
		return true // the ids have 8 characters (section 6.1), where the ARN's pattern wants 10
	}
	switch action {
	case "inspector2:BatchGetAccountStatus":
		// Without an error there is no error's code (section 4.1).
		return strings.HasPrefix(wrong, "accounts[") && strings.Contains(wrong, "required member error")
	case "iam:GetUser", "iam:CreateAccessKey":
		// The root user has no name, and its id is that of the account.
		return strings.HasSuffix(wrong, "required member UserName is missing") || strings.HasPrefix(wrong, "User.UserId: length 12 ")
	}
	return false
}

// TestBrokenRequests breaks each constraint of each operation in turn: the
// answer names it, in the service's form.
func TestBrokenRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	sent := 0
	for _, action := range w.actions() {
		service, op := actionOf(action)
		if !w.implemented[action] {
			continue
		}
		for i, b := range (sampler{m: w.models[service], known: w.known}).breaks(op) {
			caller := "management"
			if i%5 == 0 {
				caller = "solo"
			}
			a, err := w.callers[caller].Call(t.Context(), service, op, b.input)
			if err != nil {
				t.Errorf("%s: %v: %v", action, b, err)
				continue
			}
			sent++
			for _, wrong := range misjudged(service, b, a) {
				t.Errorf("%s, %v, of %.300v: %s\n%v", action, b, fmt.Sprint(b.input), wrong, a)
			}
		}
	}
	t.Logf("%d broken requests", sent)
}

// misjudged lists what is wrong with the answer to a broken request.
func misjudged(service string, b broken, a livetest.Answer) []string {
	code, status := "ValidationException", 400
	switch service {
	case "iam", "sts":
		code = "ValidationError"
	case "organizations", "ecr":
		code = "InvalidInputException"
		if service == "ecr" {
			code = "InvalidParameterException"
		}
		if b.rule == wrongType {
			code = "SerializationException"
		}
	}
	if a.Status != status || a.Code != code {
		return []string{fmt.Sprintf("want %d %s", status, code)}
	}
	var wrong []string
	if text := organizational[b.rule]; service == "organizations" && text != "" && b.element == "" {
		if a.Message != text {
			wrong = append(wrong, "want the text "+text)
		}
	} else if service == "ecr" && b.rule != wrongType {
		if !strings.Contains(a.Message, b.parameter()) {
			wrong = append(wrong, "want the text "+b.parameter())
		}
	} else if !strings.Contains(a.Message, " detected: Value") || !strings.Contains(a.Message, b.clause()) {
		wrong = append(wrong, "want the text "+b.clause())
	}
	if b.secret != "" && strings.Contains(a.Message, b.secret) {
		wrong = append(wrong, "the secret value is echoed")
	}
	if service == "inspector2" {
		wrong = append(wrong, b.fields(a)...)
	}
	if service == "organizations" && b.rule != wrongType {
		if got, want := a.JSON()["Reason"], b.reason(); got != want {
			wrong = append(wrong, fmt.Sprintf("Reason %v, want %s", got, want))
		}
	}
	return wrong
}

// organizational are the texts that Organizations has of its own.
var organizational = map[rule]string{
	pattern: "You provided a value that does not match the required pattern.",
	enum:    "You specified an invalid value.",
}

// clause is the part of the message about the constraint.
func (b broken) clause() string {
	if b.rule == required {
		return "Value null at '" + b.at + "' failed to satisfy constraint: " + b.sentence
	}
	return "at '" + b.at + "' failed to satisfy constraint: " + b.inner()
}

// parameter is what ECR says of the constraint.
func (b broken) parameter() string {
	text := strings.TrimPrefix(b.inner(), "Member ")
	if p, ok := strings.CutPrefix(text, "must satisfy regular expression pattern: "); ok {
		text = "must satisfy regular expression '" + p
	}
	return "Invalid parameter at '" + b.at + "' failed to satisfy constraint: '" + text
}

func (b broken) inner() string {
	if b.element != "" {
		return b.element + " must satisfy constraint: ["
	}
	return b.sentence
}

// fields checks Inspector's reason and fields.
func (b broken) fields(a livetest.Answer) []string {
	body := a.JSON()
	if body["reason"] != "FIELD_VALIDATION_FAILED" {
		return []string{fmt.Sprintf("reason %v", body["reason"])}
	}
	fields, _ := body["fields"].([]any)
	for _, f := range fields {
		if livetest.Dig(f, "name") == b.at {
			return nil
		}
	}
	return []string{"the field is not named"}
}

// reason is that of Organizations' InvalidInputException.
func (b broken) reason() string {
	if b.element != "" {
		return "INVALID_LIST_MEMBER"
	}
	return map[rule]string{
		required: "INPUT_REQUIRED", tooShort: "MIN_LENGTH_EXCEEDED", tooLong: "MAX_LENGTH_EXCEEDED", tooSmall: "MIN_VALUE_EXCEEDED",
		tooLarge: "MAX_VALUE_EXCEEDED", pattern: "INVALID_PATTERN", enum: "INVALID_ENUM",
	}[b.rule]
}
