package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestMalformedDocumentsAreRefusedInIAMsWords(t *testing.T) {
	const good = `"Effect":"Allow","Action":"iam:GetUser","Resource":"*"`
	doc := func(statement string) string { return `{"Version":"2012-10-17","Statement":[{` + statement + `}]}` }
	const syntax = "Syntax errors in policy."
	for _, c := range []struct {
		name, text string
		kind       Kind
		want       string
	}{
		{"empty", "", Identity, syntax},
		{"no JSON", "{", Identity, syntax},
		{"no JSON in a trust policy", "{", Trust, "This policy contains invalid Json"},
		{"list", "[]", Identity, syntax},
		{"two values", doc(good) + "{}", Identity, syntax},
		{"no version", `{"Statement":{` + good + `}}`, Identity, "Policy document must be version 2012-10-17 or greater."},
		{"old version", `{"Version":"2008-10-17","Statement":{` + good + `}}`, Identity, "Policy document must be version 2012-10-17 or greater."},
		{"unknown version", `{"Version":"2013-10-17","Statement":{` + good + `}}`, Identity, syntax},
		{"version is a list", `{"Version":["2012-10-17"],"Statement":{` + good + `}}`, Identity, syntax},
		{"no statement", `{"Version":"2012-10-17"}`, Identity, syntax},
		{"no statements", `{"Version":"2012-10-17","Statement":[]}`, Identity, syntax},
		{"unknown element", `{"Version":"2012-10-17","Statements":[]}`, Identity, syntax},
		{"unknown element of a statement", doc(good + `,"Extra":1`), Identity, syntax},
		{"element in lower case", doc(`"effect":"Allow","Action":"*","Resource":"*"`), Identity, syntax},
		{"twice the same name", doc(good + `,"Action":"iam:*"`), Identity, syntax},
		{"Action and NotAction", doc(good + `,"NotAction":"iam:*"`), Identity, syntax},
		{"effect", doc(`"Effect":"Maybe","Action":"*","Resource":"*"`), Identity, syntax},
		{"no effect", doc(`"Action":"*","Resource":"*"`), Identity, syntax},
		{"no action", doc(`"Effect":"Allow","Resource":"*"`), Identity, "Policy statement must contain actions."},
		{"empty actions", doc(`"Effect":"Allow","Action":[],"Resource":"*"`), Identity, "Policy statement must contain actions."},
		{"action is a number", doc(`"Effect":"Allow","Action":1,"Resource":"*"`), Identity, syntax},
		{"null", doc(`"Effect":"Allow","Action":null,"Resource":"*"`), Identity, syntax},
		{"action without vendor", doc(`"Effect":"Allow","Action":"GetUser","Resource":"*"`), Identity, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
		{"action with two colons", doc(`"Effect":"Allow","Action":"iam:Get:User","Resource":"*"`), Identity, "Actions/Condition can contain only one colon."},
		{"vendor", doc(`"Effect":"Allow","Action":"i m:GetUser","Resource":"*"`), Identity, "Vendor i m is not valid"},
		{"no resource", doc(`"Effect":"Allow","Action":"*"`), Identity, "Policy statement must contain resources."},
		{"resource is no ARN", doc(`"Effect":"Allow","Action":"*","Resource":"x"`), Identity, `Resource x must be in ARN format or "*".`},
		{"partition", doc(`"Effect":"Allow","Action":"*","Resource":"arn:ibm:s3:::x"`), Identity, `Partition "ibm" is not valid for resource "arn:ibm:s3:::x".`},
		{"principal", doc(good + `,"Principal":"*"`), Identity, "Policy document should not specify a principal."},
		{"Sid", doc(good + `,"Sid":"a b"`), Identity, "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"},
		{"Sid twice", `{"Version":"2012-10-17","Statement":[{"Sid":"A",` + good + `},{"Sid":"A",` + good + `}]}`, Identity, "Statement IDs (SID) in a single policy must be unique."},
		{"operator", doc(good + `,"Condition":{"StringSame":{"a:b":"c"}}`), Identity, syntax},
		{"operator with nonsense modifier", doc(good + `,"Condition":{"NullIfExists":{"a:b":"true"}}`), Identity, syntax},
		{"condition key", doc(good + `,"Condition":{"StringEquals":{"ab":"c"}}`), Identity, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
		{"condition value", doc(good + `,"Condition":{"IpAddress":{"aws:SourceIp":"everywhere"}}`), Identity, syntax},
		{"condition value is an object", doc(good + `,"Condition":{"Bool":{"aws:SecureTransport":{}}}`), Identity, syntax},
		{"trust with resource", doc(`"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"`), Trust, "Has prohibited field Resource"},
		{"trust without principal", doc(`"Effect":"Allow","Action":"sts:AssumeRole"`), Trust, "Missing required field Principal"},
		{"trust with other action", doc(`"Effect":"Allow","Principal":"*","Action":"iam:GetUser"`), Trust, "AssumeRole policy may only specify STS AssumeRole actions."},
		{"trust of a wildcard", doc(`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/*"},"Action":"sts:AssumeRole"`), Trust, `Invalid principal in policy: "AWS":"arn:aws:iam::111111111111:user/*"`},
		{"trust of a service without dot", doc(`"Effect":"Allow","Principal":{"Service":"inspector2"},"Action":"sts:AssumeRole"`), Trust, `Invalid principal in policy: "SERVICE":"inspector2"`},
		{"trust of something else", doc(`"Effect":"Allow","Principal":{"Dog":"rex"},"Action":"sts:AssumeRole"`), Trust, "Unknown field Dog"},
		{"deep", strings.Repeat("[", 100000), Identity, syntax},
		{"large", doc(good) + strings.Repeat(" ", MaxSize), Identity, syntax},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.text, c.kind)
			var m *Malformed
			if !errors.As(err, &m) || m.Message != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestPrincipalsAreListed(t *testing.T) {
	d, err := Parse(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":["111111111111","arn:aws:iam::1:x"],"Service":"a.b"},"Action":"sts:AssumeRole"}]}`, Trust)
	if err == nil {
		t.Fatalf("accepted a malformed ARN: %v", d.Principals())
	}
	d, err = Parse(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":["111111111111","arn:aws:iam::222222222222:role/a/b"],"Service":"a.b"},"Action":"sts:AssumeRole"},
		{"Effect":"Deny","NotPrincipal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`, Trust)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"111111111111", "arn:aws:iam::222222222222:role/a/b", "*"}; !slices.Equal(d.Principals(), want) {
		t.Errorf("got %v, want %v", d.Principals(), want)
	}
}
