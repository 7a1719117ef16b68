package exposure

import (
	"maps"
	"slices"

	"muster/internal/finding"
	"muster/internal/network/facts"
	"muster/internal/network/space"
)

// service is one row of the table of severities.
type service struct {
	name           string
	tcp, udp       []uint16
	internet, path finding.Severity
}

// services is the table of 6.3; a port in two rows takes the more severe one,
// the first.
func services() []service {
	const high, medium, low, informational = finding.High, finding.Medium, finding.Low, finding.Informational
	both := func(name string, ports ...uint16) service { return service{name, ports, ports, medium, informational} }
	tcp := func(name string, ports ...uint16) service { return service{name, ports, nil, medium, informational} }
	return []service{
		{"FTP", []uint16{21}, []uint16{21}, high, medium},
		{"Telnet", []uint16{23}, []uint16{23}, high, medium},
		{"Print services", []uint16{515}, nil, high, medium},
		{"SSH", []uint16{22}, []uint16{22}, medium, low},
		{"RDP", []uint16{3389}, []uint16{3389}, medium, low},
		both("DHCP", 67, 68, 546, 547),
		tcp("Elasticsearch", 9200, 9300),
		tcp("Global catalog LDAP", 3268),
		tcp("Global catalog LDAP over TLS", 3269),
		{"Kerberos", []uint16{88, 464, 543, 544, 749, 751}, []uint16{88, 464, 749, 750, 751, 752}, medium, informational},
		both("LDAP", 389),
		tcp("LDAP over TLS", 636),
		tcp("MongoDB", 27017, 27018, 27019, 28017),
		tcp("MySQL", 3306),
		{"NetBIOS", []uint16{137, 139}, []uint16{137, 138}, medium, informational},
		both("NFS", 111, 1110, 2049, 4045),
		tcp("Oracle", 1521, 1630),
		tcp("PostgreSQL", 5432),
		both("RPC", 111, 135, 530),
		both("SMB", 445),
		{"SQL Server", []uint16{1433}, []uint16{1434}, medium, informational},
		{"Syslog", []uint16{601}, []uint16{514}, medium, informational},
		both("WINS", 42, 1512),
		{"HTTP", []uint16{80}, []uint16{80}, low, informational},
		{"HTTPS", []uint16{443}, []uint16{443}, low, informational},
	}
}

func (s *service) ports(p facts.Protocol) []uint16 {
	if p == facts.UDP {
		return s.udp
	}
	return s.tcp
}

// table finds the rows of recognised ports.
type table struct {
	rows     map[facts.Protocol]map[uint16]cut
	ascended map[facts.Protocol][]uint16
}

func newTable() *table {
	t := &table{map[facts.Protocol]map[uint16]cut{}, map[facts.Protocol][]uint16{}}
	for _, p := range []facts.Protocol{facts.TCP, facts.UDP} {
		t.rows[p] = map[uint16]cut{}
		for _, s := range services() {
			for _, port := range s.ports(p) {
				if _, before := t.rows[p][port]; !before {
					t.rows[p][port] = cut{service: s.name, internet: s.internet, path: s.path}
				}
			}
		}
		t.ascended[p] = slices.Sorted(maps.Keys(t.rows[p]))
	}
	return t
}

// within are the recognised ports of a run, ascending.
func (t *table) within(run space.PortRange, p facts.Protocol) []uint16 {
	all := t.ascended[p]
	from, _ := slices.BinarySearch(all, run.First)
	to, found := slices.BinarySearch(all, run.Last)
	if found {
		to++
	}
	return all[from:to]
}
