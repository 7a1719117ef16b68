package sbomscan

import "strings"

// check is a remark that Amazon Inspector's generator has made about a
// Dockerfile, with the lines that it is about ("18-18").
type check struct{ id, lines string }

// meaning is what a check is about.
type meaning struct{ id, severity, text, url string }

// meanings lists the checks. Of those with variants (a third part of the id)
// the first that the id begins with counts.
func meanings() []meaning {
	const docker = "https://docs.docker.com/build/building/best-practices/"
	return []meaning{
		{"IN-DOCKER-001", "info", "apt-get update stands in an instruction of its own, so its result is cached and later installations fail or take old versions.", docker},
		{"IN-DOCKER-002", "info", "sudo is installed or used. Its handling of terminals and signals is unpredictable in containers.", docker},
		{"IN-DOCKER-003", "info", "The last USER is root. A service that can do without privileges should run as another user.", docker},
		{"IN-DOCKER-004", "info", "apt is used in place of apt-get. Its command line is meant for people and may change.", "https://manpages.debian.org/apt.8"},
		{"IN-DOCKER-005-003", "high", "apt-get --allow-unauthenticated installs packages whose signatures nobody has checked.", "https://manpages.debian.org/apt-get.8"},
		{"IN-DOCKER-005", "high", "A command is told to leave out a security check.", docker},
		{"IN-DOCKER-006-001", "high", "NPM_CONFIG_STRICT_SSL is false, so npm does not check the certificates of its registry.", "https://docs.npmjs.com/cli/using-npm/config"},
		{"IN-DOCKER-006", "high", "An environment variable turns a security check off.", docker},
		{"IN-DOCKER-007-001", "critical", "An AWS access key is written in the file.", "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html"},
		{"IN-DOCKER-007-002", "critical", "An access token of Docker Hub is written in the file.", "https://docs.docker.com/security/access-tokens/"},
		{"IN-DOCKER-007-003", "critical", "A personal access token of GitHub is written in the file.", "https://docs.github.com/authentication"},
		{"IN-DOCKER-007-004", "critical", "A personal access token of GitLab is written in the file.", "https://docs.gitlab.com/user/profile/personal_access_tokens/"},
		{"IN-DOCKER-007", "critical", "A secret is written in the file.", "https://docs.docker.com/build/building/secrets/"},
		{"", "unknown", "The generator's check is not known here.", docker},
	}
}

// meaningOf finds what a check is about.
func meaningOf(id string) meaning {
	for _, m := range meanings() {
		if id == m.id || m.id == "" || strings.HasPrefix(id, m.id+"-") {
			return m
		}
	}
	return meaning{}
}

// remarks are the vulnerabilities that the document's Dockerfiles have by the
// word of the generator, which has read them.
func (d *document) remarks() []vulnerability {
	var out []vulnerability
	at := map[string]int{}
	for _, n := range d.nodes {
		for _, c := range n.checks {
			i, ok := at[c.id]
			if !ok {
				m := meaningOf(c.id)
				i, at[c.id] = len(out), len(out)
				out = append(out, vulnerability{
					id: c.id, severity: m.severity, sourceName: ownSource, sourceURL: m.url, description: m.text, references: []string{m.url},
				})
			}
			out[i].affects = append(out[i].affects, affect{node: n, lines: c.lines})
		}
	}
	return out
}
