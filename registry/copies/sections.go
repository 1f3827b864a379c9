package copies

import "strings"

// Field is one value of an entry: its name in the file, its type in the schema
// (of Types), and the SQL that it comes from.
type Field struct{ Name, Type, expr string }

// Section is one part of a copy: a list of entries.
type Section struct {
	Code   string // name in the file; the message "copy.<code>"
	Fields []Field
	tables []string // that it answers for
	from   string   // with their conditions: $1 is the person, $2 their accounts, $3 the instant
	order  string
}

// own is the condition that case f is one's own: for oneself, or filed before one
// had a record. Nobody sees here what they filed for others, nor what is sealed: a
// file can come into the wrong hands.
const own = ` f.access <> 'sealed' and f.access_wanted <> 'sealed' and (f.person_id = $1 or f.person_id is null and f.account_id = any($2)) `

// home is the condition that one lives in household h now, where others may know.
const home = ` h.id in (select m.household_id from membership m where m.person_id = $1 and m.tie = 'usual' and m.end_date is null) and not h.protected `

// sources of the values of i.data: what each rests on.
const sources = `(select jsonb_object_agg(e.key, jsonb_build_object('kind', s.kind, 'at', s.at))
	from jsonb_each_text(i.data->'provenance') e join source s on s.id::text = e.value)`

// Sections lists the parts of a copy. What is in no section, and why, is in Left.
func Sections() []Section {
	return []Section{
		{"account", fields("name a.name|text", "at a.created_at|time", "said a.claims|object"), tables("account"),
			`account a where a.id = any($2)`, "a.created_at"},
		{"links", fields("how l.how|text", "state l.state|text", "asked l.proposed_at|time", "decided l.decided_at|time", "proof l.proof|text"), tables("account_link"),
			`account_link l where l.person_id = $1 and l.account_id = any($2)`, "l.proposed_at"},
		{"person", fields("reference p.ref|text", "name p.full_name|text", "name_latin p.full_name_latin|text", "family_name p.family_name|text",
			"given_name p.given_name|text", "other_names p.other_names|text", "sex p.sex|text", "born_from p.birth_from|date", "born_to p.birth_to|date",
			"state p.status|text", "reason p.status_reason|text", "on p.status_date|date", "tags p.tags|list", "answers p.fields|object"),
			tables("person"), `person p where p.id = $1`, "p.id"},
		{"numbers", fields("kind i.type|text", "value i.value|text", "issuer i.issuer|text", "state i.claimed|text", "expires i.expires_on|date",
			"assurance i.assurance|text", "method i.method|text"), tables("identifier"), `identifier i where i.subject_id = $1`, "i.type, i.value"},
		{"contacts", fields("kind c.kind|text", "value c.value|text", "owner c.owner|text", "safe c.safe|list"), tables("contact"),
			`contact c where c.person_id = $1 and not c.protected`, "c.kind, c.value"},
		{"silences", fields("reason c.reason|text", "from c.since|time", "to c.ended_at|time"), tables("contact_hold"),
			`contact_hold c where c.person_id = $1`, "c.since"},
		{"reach", fields("language n.language|text", "no_email n.email_off|yes", "no_sms n.sms_off|yes", "at n.changed_at|time"), tables("notice_setting"),
			`notice_setting n where n.person_id = $1`, "n.changed_at"},
		{"calculated", fields("answers c.values|object"), tables("calculated"), `calculated c where c.subject_id = $1 and c.values <> '{}'`, "c.version"},
		{"home", fields("reference h.ref|text", "area a.code|text", "directions h.directions|text", "state h.status|text", "tags h.tags|list", "answers h.fields|object"),
			tables("household", "household_search"), `household h join area a on a.id = h.area_id where ` + home, "h.ref"},
		{"people", fields("name p.full_name|text", "relationship m.relationship|text"), nil,
			`membership m join household h on h.id = m.household_id join person p on p.id = m.person_id
			where m.person_id <> $1 and m.tie = 'usual' and m.end_date is null and ` + home, "p.full_name, m.id"},
		{"ties", fields("household h.ref|text", "kind m.tie|text", "relationship m.relationship|text", "from m.start_date|date", "to m.end_date|date", "reason m.end_reason|text",
			"roles (select array_agg(r.role order by r.role) from membership_role r where r.person_id = m.person_id and r.membership_id = m.id)|list"),
			tables("membership", "membership_role", "membership_lost"), `membership m join household h on h.id = m.household_id where m.person_id = $1`, "m.start_date nulls first, m.id"},
		{"relations", fields("kind r.type|text", "of r.mine|yes", "name p.full_name|text", "from r.start_date|date", "to r.end_date|date"), tables("relation", "relation_type"),
			`(select r.type, true as mine, r.other_id as other, r.start_date, r.end_date from relation r where r.person_id = $1
			  union all select r.type, false, r.person_id, r.start_date, r.end_date from relation r where r.other_id = $1) r join person p on p.id = r.other`, "r.type, p.full_name"},
		{"groups", fields("reference g.ref|text", "name g.name|text", "role m.role|text", "from m.start_date|date", "to m.end_date|date"), tables("group_member", "group_record"),
			`group_member m join group_record g on g.id = m.group_id where m.person_id = $1`, "g.ref"},
		{"history", fields("version v.version|number", "at v.recorded_at|time", "kind i.nature|text", "reason i.reason|text", "on i.effective_on|date",
			"values i.data - '{memberships,relations,contacts,provenance,merged_into}'::text[]|object", "sources "+sources+"|object"),
			tables("record_version", "change_item", "change", "source"),
			`record_version v join change_item i on i.change_id = v.change_id and i.seq = v.seq where v.subject_id = $1`, "v.version"},
		{"home_history", fields("version v.version|number", "at v.recorded_at|time", "kind i.nature|text", "reason i.reason|text", "on i.effective_on|date",
			"answers i.data->'fields'|object", "sources "+sources+"|object"), nil,
			`membership m join household h on h.id = m.household_id and not h.protected join record_version v on v.subject_id = h.id
			join change_item i on i.change_id = v.change_id and i.seq = v.seq
			where m.person_id = $1 and m.tie = 'usual' and m.end_date is null and v.recorded_at >= coalesce(m.start_date, '-infinity')`, "v.recorded_at, v.version"},
		{"proposals", fields("reference m.ref|text", "at m.proposed_at|time", "state c.state|text", "note m.note|text", "note_language m.note_lang|text", "answer m.answer|text"),
			tables("amendment"), `amendment m join change c on c.id = m.change_id where m.subject_id = $1`, "m.proposed_at"},
		{"cases", fields("reference f.ref|text", "kind f.kind|text", "state f.state|text", "channel f.channel|text", "language f.language|text", "at f.submitted_at|time",
			"due f.due_on|date", "decided f.decided_at|time"), tables("case_file", "case_subject"), `case_file f where ` + own, "f.created_at, f.ref"},
		{"case_steps", fields("reference f.ref|text", "at e.at|time", "by e.actor_kind|text", "what e.action|text", "state e.to_state|text", "reason e.reason|text",
			"note e.note|text", "note_language e.note_lang|text"), tables("case_event"), `case_event e join case_file f on f.id = e.case_id where not e.private and ` + own, "f.ref, e.seq"},
		{"documents", fields("reference f.ref|text", "kind e.kind|text", "type e.media_type|text", "at e.uploaded_at|time"), tables("evidence"),
			`evidence e join case_file f on f.id = e.case_id where e.removed_at is null and ` + own, "e.uploaded_at"},
		{"photos", fields("reference e.ref|text", "type e.media_type|text", "at e.uploaded_at|time"), tables("file", "blob_scan"), `file e where e.uploaded_by = any($2)`, "e.uploaded_at"},
		{"visits", fields("reference f.ref|text", "on v.planned_on|date", "at v.done_at|time", "state v.found|text", "note v.findings|text", "note_language v.lang|text"), tables("case_visit"),
			`case_visit v join case_file f on f.id = v.case_id where ` + own, "v.planned_at"},
		{"concerns", fields("reference f.ref|text", "at q.told_at|time", "answer q.answer|text", "decided q.answered_at|time"), tables("case_party"),
			`case_party q join case_file f on f.id = q.case_id where q.person_id = $1 and q.told_at is not null and f.access <> 'sealed'`, "q.told_at"},
		{"decisions", fields("reference d.ref|text", "kind d.kind|text", "programme g.code|text", "outcome d.outcome|text", "state d.state|text", "reason d.reason|text", "at d.decided_at|time",
			"from d.in_force_at|time", "note d.note|text", "note_language d.note_lang|text",
			"criteria (select jsonb_agg(jsonb_build_object('code', x->'code', 'outcome', x->'outcome')) from jsonb_array_elements(d.criteria) x)|list"),
			tables("decision", "programme", "programme_rule"),
			`decision d left join programme g on g.id = d.programme_id left join case_file f on f.id = d.case_id
			where (d.kind = 'case' and ` + own + `) or (d.kind = 'programme' and exists (select from membership m
			  where m.person_id = $1 and m.tie = 'usual' and m.household_id = d.household_id
			    and d.decided_at >= coalesce(m.start_date, '-infinity') and d.decided_at < coalesce(m.end_date + 1, 'infinity')))`, "d.decided_at, d.ref"},
		{"letters", fields("reference l.ref|text", "kind l.kind|text", "language l.language|text", "at l.written_at|time", "text l.body|object",
			"steps (select jsonb_agg(jsonb_build_object('what', e.what, 'at', e.at) order by e.at) from letter_event e where e.letter_id = l.id)|list"),
			tables("letter", "letter_event", "letter_text"), `letter l where l.person_id = $1 or l.account_id = any($2)`, "l.written_at"},
		{"notices", fields("reference n.ref|text", "kind n.kind|text", "at n.created_at|time", "read n.read_at|time",
			"channels (select jsonb_agg(jsonb_build_object('channel', d.channel, 'state', d.state, 'at', d.changed_at) order by d.channel) from notice_delivery d where d.notice_id = n.id)|list"),
			tables("notice", "notice_delivery", "notice_message"), `notice n where n.person_id = $1 or n.account_id = any($2)`, "n.created_at"},
		{"credentials", fields("reference c.ref|text", "kind c.type|text", "format c.format|text", "at c.issued_at|time", "expires c.expires_at|time", "state c.state|text",
			"reason c.reason|text", "revoked c.revoked_at|time", "wallet c.wallet_event|text"), tables("credential", "credential_copy", "credential_version"),
			`credential c where c.person_id = $1`, "c.issued_at"},
		{"offers", fields("reference o.ref|text", "kind o.type|text", "channel o.channel|text", "at o.created_at|time", "expires o.expires_at|time", "state o.state|text"), tables("credential_offer"),
			`credential_offer o where o.person_id = $1`, "o.created_at"},
		{"delegates", fields("reference d.ref|text", "name a.name|text", "role d.role|text", "kinds d.kinds|list", "from d.valid_from|date", "to d.valid_to|date", "revoked d.revoked_at|time"), tables("delegation"),
			`delegation d join account a on a.id = d.account_id where d.person_id = $1`, "d.granted_at"},
		{"acting_for", fields("reference d.ref|text", "name p.full_name|text", "role d.role|text", "kinds d.kinds|list", "from d.valid_from|date", "to d.valid_to|date", "revoked d.revoked_at|time"), nil,
			`delegation d join person p on p.id = d.person_id where d.account_id = any($2)`, "d.granted_at"},
		{"looks", fields("at l.at|time", "what l.action|text", "purpose l.purpose|text", "basis l.basis|text", "role l.role|text", "office l.office|text"),
			tables("audit_event", "audit_subject"), `person_looks($1, $3, '-infinity', 100000) l`, "l.at"},
		{"questions", fields("reference q.ref|text", "at q.asked_at|time", "note q.words|text", "note_language q.words_lang|text", "answer q.answer|text", "outcome q.finding|text"),
			tables("look_question"), `look_question q where q.person_id = $1 and q.account_id = any($2)`, "q.asked_at"},
		{"sign_ins", fields("at s.created_at|time", "to s.seen_at|time", "client s.client|text", "assurance s.acr|text", "revoked s.revoked_at|time"), tables("session"),
			`session s where s.account_id = any($2)`, "s.created_at"},
		{"deeds", fields("at e.at|time", "what e.action|text"), nil, `audit_event e where e.actor = any($2)`, "e.at, e.id"},
		{"consents", fields("reference c.ref|text", "purpose c.purpose|text", "version c.version|number", "language c.language|text", "at c.given_at|time",
			"expires c.expires_at|time", "revoked c.withdrawn_at|time"), tables("consent"), `consent c where c.person_id = $1`, "c.given_at"},
		{"copies", fields("reference c.ref|text", "at c.asked_at|time", "expires c.expires_at|time"), tables("data_copy"), `data_copy c where c.person_id = $1`, "c.asked_at"},
	}
}

func tables(names ...string) []string { return names }

// fields reads "name expression|type".
func fields(specs ...string) []Field {
	list := make([]Field, len(specs))
	for i, s := range specs {
		name, rest, _ := strings.Cut(s, " ")
		at := strings.LastIndex(rest, "|")
		list[i] = Field{Name: name, expr: rest[:at], Type: rest[at+1:]}
	}
	return list
}

// query reads the entries of a section as one JSON list.
func (s Section) query() string {
	var columns []string
	for _, f := range s.Fields {
		columns = append(columns, f.expr+` as "`+f.Name+`"`)
	}
	return `select coalesce(jsonb_agg(to_jsonb(x)), '[]') from (select ` + strings.Join(columns, ", ") + ` from ` + s.from + ` order by ` + s.order + `) x
		where $1::uuid is not null and $2::uuid[] is not null and $3::timestamptz is not null`
}

// Left says, for every table that no section answers for, why.
func Left() map[string]string {
	left := map[string]string{}
	for reason, names := range map[string]string{
		"about the country, its offices and its rules, not about people": `area area_boundary area_change area_change_item area_kind area_successor case_freeze case_kind case_transition desk_role
			field_definition identifier_type identity_provider office office_area office_scope public_figure public_month purpose permission_rule role_definition role_permission rule_review
			service_outage service_pulse setting setting_change setting_change_item setting_kind setting_state status_list outbox_kind goose_db_version name_word dedup_common dedup_share`,
		"about those who work here": `staff staff_keys staff_kin staff_role staff_work role_conflict passkey passkey_challenge emergency held_form office_role saved_filter audit_alert case_barrier`,
		"counts what was asked for in vain; what was done has each day's first":         `refused_attempt`,
		"made from the record to find it, and made again with it":                       `person_search group_search dedup_record dedup_todo`,
		"says who somebody else may be: of two records, or two claims of one number":    `duplicate_pair duplicate_decision identifier_contest`,
		"how records were put together; the history of the record says it":              `record_merge`,
		"moved records with their area; their history says it":                          `area_change_move area_answer_left`,
		"what is planned and not decided; a decision is told and is in here":            `rule_loss`,
		"links of cases, which may be other people's":                                   `case_link`,
		"protects somebody: an investigation, or the safety of people":                  `look_delay look_release`,
		"says that something is kept, is to go, or is gone; a court may forbid to tell": `legal_hold erasure_due erasure`,
		"only hashes: the proof of what receipts say":                                   `audit_receipt audit_checkpoint audit_leaf audit_log audit_node audit_check`,
		"secrets and counters that end by themselves, without a name":                   `account_code attempt used_once sign_in_attempt wallet_token outbox`,
		"files as they came in; what became of them is in the history, with its source": `import_area import_batch import_mapping import_problem import_waste`,
	} {
		for _, name := range strings.Fields(names) {
			left[name] = reason
		}
	}
	return left
}

// Answered lists the tables that the sections answer for.
func Answered() []string {
	var list []string
	for _, s := range Sections() {
		list = append(list, s.tables...)
	}
	return list
}
