package access

import (
	"encoding/json"
	"maps"
	"slices"

	"muster/internal/awsmodel"
	"muster/internal/iam"
	"muster/internal/policy"
)

// denial is a refusal by policies. Beyond its text it knows why, which only
// who may decode authorization messages is told.
type denial struct {
	error
	encode func() string
}

func (d *denial) Unwrap() error { return d.error }

// EncodedMessage is the sealed reason, for sts:DecodeAuthorizationMessage of
// the caller's account.
func (d *denial) EncodedMessage() string { return d.encode() }

// denial adds its reason to a refusal.
func (d *Desk) denial(refusal error, call *awsmodel.Call, b iam.Bearer, action string, t target, keys map[string][]string) error {
	return &denial{refusal, func() string {
		policies, request := question(call, b, action, t, keys)
		why := reasonOf(policies.Explain(request), request)
		text, err := json.Marshal(why)
		if err == nil && len(text) > maxReason {
			why.Context.Conditions.Items = []keyValues{}
			text, err = json.Marshal(why)
		}
		if err != nil {
			return ""
		}
		return d.config.Keys.SealMessage(call.Account(), string(text))
	}}
}

// reason is a decoded authorization message, in the form of AWS's.
type reason struct {
	Allowed           bool            `json:"allowed"`
	ExplicitDeny      bool            `json:"explicitDeny"`
	MatchedStatements items[matched]  `json:"matchedStatements"`
	Failures          items[struct{}] `json:"failures"`
	Context           requestContext  `json:"context"`
}

type items[T any] struct {
	Items []T `json:"items"`
}

// matched is a statement that denied.
type matched struct {
	Effect string          `json:"effect"`
	Source policy.Layer    `json:"sourcePolicyType"`
	Start  policy.Position `json:"startPosition"`
	End    policy.Position `json:"endPosition"`
}

type requestContext struct {
	Principal  map[string]string `json:"principal"`
	Action     string            `json:"action"`
	Resource   string            `json:"resource"`
	Conditions items[keyValues]  `json:"conditions"`
}

type keyValues struct {
	Key    string       `json:"key"`
	Values items[value] `json:"values"`
}

type value struct {
	Value string `json:"value"`
}

// Bounds of what clients choose, so that a message can be decoded: the interface
// takes ten thousand characters.
const (
	maxValue  = 256
	maxReason = 7000
)

func reasonOf(e policy.Explanation, r policy.Request) reason {
	out := reason{
		ExplicitDeny: e.Explicit, MatchedStatements: items[matched]{[]matched{}}, Failures: items[struct{}]{[]struct{}{}},
		Context: requestContext{
			Principal: map[string]string{"id": r.Principal.ID, "arn": string(r.Principal.ARN)},
			Action:    r.Action, Resource: shortened(r.Resource), Conditions: items[keyValues]{[]keyValues{}},
		},
	}
	for _, m := range e.Matches[:min(len(e.Matches), 10)] {
		out.MatchedStatements.Items = append(out.MatchedStatements.Items, matched{"DENY", m.Layer, m.Span.Start, m.Span.End})
	}
	for _, key := range slices.Sorted(maps.Keys(r.Context)) {
		k := keyValues{Key: shortened(key), Values: items[value]{[]value{}}}
		for _, v := range r.Context[key] {
			k.Values.Items = append(k.Values.Items, value{shortened(v)})
		}
		out.Context.Conditions.Items = append(out.Context.Conditions.Items, k)
	}
	return out
}

func shortened(text string) string { return text[:min(len(text), maxValue)] }
