package tagging_test

import (
	"testing"

	"muster/internal/arn"
	"muster/internal/inspector/tagging"
)

func TestNames(t *testing.T) {
	for text, kind := range map[string]tagging.Kind{
		"arn:aws:inspector2:us-east-1:111122223333:owner/111122223333/filter/c1c0fe5d28e39baa":                          tagging.Filter,
		"arn:aws:inspector2:us-east-1:111122223333:owner/o-a1b2c3d4e5/filter/c1c0fe5d28e39baa":                          tagging.Filter,
		"arn:aws:inspector2:us-east-1:111122223333:owner/111122223333/cis-configuration/624b746d-e080-44ae-8c1d":        tagging.CISConfiguration,
		"arn:aws:inspector2:us-east-1:111122223333:owner/111122223333/codesecurity-configuration/624b746d-e080-44ae-8c": tagging.CodeSecurityConfiguration,
		"arn:aws:inspector2:us-east-1:111122223333:codesecurity-integration/624b746d-e080-44ae-8c1d":                    tagging.CodeSecurityIntegration,
		"arn:aws:inspector2:us-east-1:111122223333:finding/c1c0fe5d28e39baac1c0fe5d28e39baa":                            "",
		"arn:aws:inspector2:us-east-1:111122223333:owner/111122223333/filter/":                                          "",
		"arn:aws:inspector2:us-east-1:111122223333:owner//filter/c1c0fe5d28e39baa":                                      "",
		"arn:aws:inspector2:us-east-1:111122223333:owner/1/filter/2/3":                                                  "",
		"arn:aws:inspector2:us-east-1:111122223333:owner/1/codesecurity-integration/2":                                  "",
		"arn:aws:inspector2:us-east-1:111122223333:filter/2":                                                            "",
		"arn:aws:inspector2::111122223333:owner/1/filter/2":                                                             "",
		"arn:aws:inspector2:us-east-1:1111:owner/1/filter/2":                                                            "",
		"arn:aws:ec2:us-east-1:111122223333:owner/1/filter/2":                                                           "",
		"nonsense": "", "": "",
	} {
		n, ok := tagging.Parse(arn.ARN(text))
		if ok != (kind != "") || n.Kind != kind && ok {
			t.Errorf("%s: %v %t, want %q", text, n, ok, kind)
		}
		if ok && n.ARN() != arn.ARN(text) {
			t.Errorf("%s became %s", text, n.ARN())
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("arn:aws:inspector2:us-east-1:111122223333:owner/111122223333/filter/c1c0fe5d28e39baa")
	f.Fuzz(func(t *testing.T, text string) {
		if n, ok := tagging.Parse(arn.ARN(text)); ok && n.ARN() != arn.ARN(text) {
			t.Errorf("%q became %q", text, n.ARN())
		}
	})
}
