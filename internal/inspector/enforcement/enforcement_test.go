package enforcement_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"muster/internal/arn"
	"muster/internal/inspector/enforcement"
	"muster/internal/store/activation"
)

const document = `{"inspector": {"enablement": {
	"ec2_scanning": {"enable_in_regions": ["ALL_SUPPORTED"], "disable_in_regions": ["eu-west-1"]},
	"ecr_scanning": {"enable_in_regions": [], "disable_in_regions": []},
	"lambda_standard_scanning": {"enable_in_regions": ["us-east-1"], "disable_in_regions": ["eu-west-1"],
		"lambda_code_scanning": {"enable_in_regions": ["ALL_SUPPORTED"], "disable_in_regions": []}}}}}`

func TestVerdicts(t *testing.T) {
	p, err := enforcement.Read([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		region arn.Region
		scan   activation.ScanType
		want   enforcement.Verdict
	}{
		{"us-east-1", activation.EC2, enforcement.On},
		{"xx-new-1", activation.EC2, enforcement.On}, // future Regions, too
		{"eu-west-1", activation.EC2, enforcement.Off},
		{"us-east-1", activation.ECR, enforcement.Unmanaged},
		{"us-east-1", activation.CodeRepository, enforcement.Unmanaged},
		{"us-east-1", activation.Lambda, enforcement.On},
		{"us-west-2", activation.Lambda, enforcement.Unmanaged},
		{"us-west-2", activation.LambdaCode, enforcement.On},
		{"eu-west-1", activation.LambdaCode, enforcement.Off}, // goes with functions
	} {
		if got := p.Verdict(c.region, c.scan); got != c.want {
			t.Errorf("%s in %s: %d, want %d", c.scan, c.region, got, c.want)
		}
	}
	regions := p.Regions([]arn.Region{"us-east-1", "eu-west-1"})
	if !slices.Equal(regions, []arn.Region{"us-east-1", "eu-west-1"}) || len(enforcement.Policy(nil).Regions(regions)) > 0 {
		t.Errorf("covers %v", regions)
	}
}

// TestWantsSettles: carrying the wishes out, in as many rounds as it takes,
// ends where every type is as the verdicts say, and unmanaged types never move
// except for code, which goes with functions.
func TestWantsSettles(t *testing.T) {
	const region arn.Region = "us-east-1"
	rapid.Check(t, func(rt *rapid.T) {
		p, before := drawPolicy(rt, region), activation.Scans{}
		for _, scan := range activation.ScanTypes() {
			status := rapid.SampledFrom([]activation.Status{activation.Disabled, activation.Enabled}).Draw(rt, "status")
			before[scan] = activation.Scan{Status: status}
		}
		if before.Status(activation.Lambda) == activation.Disabled {
			before[activation.LambdaCode] = activation.Scan{Status: activation.Disabled}
		}
		scans := activation.Scans{}
		for k, v := range before {
			scans[k] = v
		}
		for round := 0; ; round++ {
			on, off := p.Wants(region, scans)
			if len(on)+len(off) == 0 {
				break
			}
			if round > 3 {
				rt.Fatal("does not come to rest")
			}
			for _, scan := range off {
				scans[scan] = activation.Scan{Status: activation.Disabled}
			}
			for _, scan := range on {
				scans[scan] = activation.Scan{Status: activation.Enabled}
			}
		}
		for _, scan := range activation.ScanTypes() {
			want := before.Status(scan)
			switch p.Verdict(region, scan) {
			case enforcement.On:
				want = activation.Enabled
				if scan == activation.LambdaCode && scans.Status(activation.Lambda) == activation.Disabled {
					want = before.Status(scan)
				}
			case enforcement.Off:
				want = activation.Disabled
			}
			if got := scans.Status(scan); got != want {
				rt.Fatalf("%s is %s, want %s", scan, got, want)
			}
		}
	})
}

func drawPolicy(rt *rapid.T, region arn.Region) enforcement.Policy {
	p := enforcement.Policy{}
	list := rapid.SampledFrom([][]string{nil, {string(region)}, {enforcement.Everywhere}, {"eu-west-1"}})
	for _, scan := range activation.ScanTypes() {
		p[scan] = enforcement.Rule{Enable: list.Draw(rt, "enable"), Disable: list.Draw(rt, "disable")}
	}
	return p
}

func TestStoredFormComesBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPolicy(rt, "us-east-1")
		text, err := p.Encode()
		if err != nil {
			rt.Fatal(err)
		}
		back, err := enforcement.Decode(text)
		if err != nil {
			rt.Fatal(err)
		}
		for _, scan := range activation.ScanTypes() {
			if back.Verdict("us-east-1", scan) != p.Verdict("us-east-1", scan) {
				rt.Fatalf("%s: %v became %v", scan, p, back)
			}
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(document))
	f.Add([]byte(`{"inspector": {"enablement": {"ec2_scanning": null}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if p, err := enforcement.Read(body); err == nil {
			p.Covers("us-east-1")
		}
	})
}
