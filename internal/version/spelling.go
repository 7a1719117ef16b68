package version

import "strings"

// normaliseGo accepts module versions (v1.2.3, pseudo-versions,
// +incompatible) and toolchain versions (go1.21rc2, "go1.22.3 X:boringcrypto").
// "(devel)" and "devel …" are unknown versions and refused.
func (v *Version) normaliseGo() error {
	s := strings.TrimSpace(v.text)
	if rest, ok := strings.CutPrefix(s, "go"); ok && rest != "" && isDigit(rest[0]) {
		s = toolchain(rest)
	}
	v.text = trimSemVer(s)
	if err := checkSemVer(v.text); err != nil {
		return err
	}
	numbers, pre := splitSemVer(v.text)
	if pre != "" && pre[0] != '-' {
		v.text = numbers + "-" + dotted(pre)
	}
	return nil
}

// toolchain drops what follows a Go release: an experiment (" X:…"), a
// distributor's suffix ("-linuxkit"), build metadata.
func toolchain(s string) string {
	if i := strings.IndexAny(s, " -+"); i >= 0 {
		return s[:i]
	}
	return s
}

// dotted writes Go's "rc2" as the SemVer identifiers "rc.2", so that rc10
// follows rc2.
func dotted(pre string) string {
	for i := range len(pre) {
		if isDigit(pre[i]) {
			return pre[:i] + "." + pre[i:]
		}
	}
	return pre
}

// trimGemPlatform removes the platform of a built gem: "1.10.4-x86_64-linux"
// is version 1.10.4. Other text after a hyphen is a pre-release and stays.
func trimGemPlatform(s string) string {
	i := strings.IndexByte(s, '-')
	if i < 0 {
		return s
	}
	cpu, _, _ := strings.Cut(s[i+1:], "-")
	switch cpu {
	case "x86_64", "x86", "x64", "i386", "i486", "i586", "i686", "amd64", "aarch64", "arm64", "arm", "armv7l",
		"universal", "java", "jruby", "mswin32", "mswin64", "mingw32", "powerpc", "ppc64le", "s390x", "riscv64":
		return s[:i]
	}
	return s
}
