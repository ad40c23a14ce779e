use std::{collections::BTreeSet, path::Path};

use super::*;

fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigFaults> {
    Config::from_pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

/// Returns the faults as (subject, whole message).
fn faults(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let faults = read(pairs).expect_err("a fault");
    faults.iter().map(|fault| (fault.subject.clone(), fault.to_string())).collect()
}

fn the_fault(pairs: &[(&str, &str)]) -> String {
    let faults = faults(pairs);
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults[0].1.clone()
}

#[test]
fn without_settings_the_defaults_hold() {
    let config = read(&[]).unwrap();

    assert!(config.database.location == crate::db::Location::Sqlite("data/frontpage.db".into()));
    assert_eq!(config.database.options.write_connections, 1);
    assert_eq!(config.auth.signing_keys, Path::new("data/keys"));
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.http.body_limit_bytes, 2 * 1024 * 1024);
    assert_eq!((config.http.cors_origins.len(), config.http.trusted_proxies.len()), (0, 0));
    assert_eq!((config.auth.hash.memory_kib, config.auth.hash.passes), (19_456, 2));
    assert_eq!(config.site.section_url("world", "world", crate::ids::SectionId::generate()), None);
    assert_eq!(config.log.format, LogFormat::Text);
    assert!(!config.start.demo && !config.start.migrate);
}

#[test]
fn a_request_gives_up_on_a_dead_database_within_two_seconds() {
    let options = read(&[]).unwrap().database.options;

    // A write is given up by asking whether the database answers at all, whatever its own time-out.
    let longest = options.wait + options.read_timeout;

    assert!(longest.as_millis() < 2000, "wait + time-out is {longest:?}; a 503 is promised within 2 s");
}

#[test]
fn every_setting_is_checked_and_its_fault_names_it() {
    for variable in variables() {
        let wrong = if variable.name.ends_with("_KEYS") { "a\u{1}b" } else { "\u{1}wrong" };
        let faults = faults(&[(&variable.name, wrong)]);

        let of_it: Vec<_> = faults.iter().filter(|(subject, _)| *subject == variable.name).collect();
        assert_eq!(of_it.len(), 1, "{} was not refused once: {faults:?}", variable.name);
        assert!(!of_it[0].1.contains('\u{1}'), "a control character would reach the terminal");
    }
}

#[test]
fn every_flag_follows_from_its_variable() {
    for variable in variables() {
        assert_eq!(variable.flag, flag_of(&variable.name), "messages would name a flag that does not exist");
    }
}

#[test]
fn an_empty_value_counts_as_none() {
    let empty: Vec<_> = variables().into_iter().map(|variable| (variable.name, "  ".to_owned())).collect();

    let config = Config::from_pairs(empty).unwrap();

    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
}

#[test]
fn all_faults_are_reported_at_once() {
    let faults = faults(&[
        ("FRONTPAGE_LISTEN", "localhost"),
        ("FRONTPAGE_CORS_ORIGINS", "https://a.example/,ftp://b.example,https://c.example"),
        ("FRONTPAGE_LOG_LEVEL", "inof"),
        ("FRONTPAGE_LISTN", "127.0.0.1:1"),
        ("DATABASE_URL", "postgres://frontpage:s3cret@db/frontpage"),
    ]);

    let subjects: Vec<&str> = faults.iter().map(|(subject, _)| subject.as_str()).collect();
    assert_eq!(
        subjects,
        [
            "FRONTPAGE_LISTN",
            "FRONTPAGE_LISTEN",
            "FRONTPAGE_CORS_ORIGINS",
            "FRONTPAGE_CORS_ORIGINS",
            "FRONTPAGE_SIGNING_KEYS",
            "FRONTPAGE_LOG_LEVEL"
        ]
    );
}

#[test]
fn no_fault_shows_a_password() {
    for (name, value) in [
        ("DATABASE_URL", "postgres://frontpage:s3cret@db"),
        ("DATABASE_URL", "mysql://frontpage:s3cret@db/x"),
        ("DATABASE_URL", "postgres://frontpage:s3cret%zz@db/x"),
        ("DATABASE_URL", "frontpage:s3cret"),
        ("FRONTPAGE_REPLICA_URLS", "postgres://a@b/c, postgres://frontpage:s3cret@db"),
        ("FRONTPAGE_PUBLIC_URL", "https://me:s3cret@api.example.org"),
        ("FRONTPAGE_PUBLIC_URL", "https://me:x/s3cret@api.example.org"),
        ("FRONTPAGE_ARTICLE_URL", "https://me:s3cret@example.org/{slug}"),
        ("FRONTPAGE_CORS_ORIGINS", "https://me:s3cret@example.org"),
        ("FRONTPAGE_SECRET", "s3cret"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://me:s3cret@collector.example"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=all%20right,s3cret"),
    ] {
        let faults = faults(&[(name, value)]);

        assert!(faults.iter().any(|(subject, _)| subject == name), "{faults:?}");
        assert!(!format!("{faults:?}").contains("s3cret"), "{faults:?}");
    }
}

#[test]
fn a_configuration_shows_no_password() {
    let pairs = [
        ("DATABASE_URL", "postgres://frontpage:s3cret@db/frontpage"),
        ("FRONTPAGE_REPLICA_URLS", "postgres://frontpage:s3cret@replica/frontpage"),
        ("FRONTPAGE_SIGNING_KEYS", "/keys"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cret"),
    ];

    let shown = format!("{:?}", read(&pairs).unwrap());

    assert!(shown.contains("postgres://db/frontpage") && !shown.contains("s3cret"), "{shown}");
    assert!(shown.contains("postgres://replica/frontpage"), "{shown}");
}

#[test]
fn replicas_are_those_of_a_postgresql_server() {
    let urls = "postgres://a@one/news,postgres://a@two/news postgres://a@three/news";
    let on =
        |database| [("DATABASE_URL", database), ("FRONTPAGE_REPLICA_URLS", urls), ("FRONTPAGE_SIGNING_KEYS", "/keys")];

    assert_eq!(read(&on("postgres://a@primary/news")).unwrap().replicas.locations.len(), 3);
    let fault = the_fault(&on("sqlite://news.db"));
    assert!(fault.contains("FRONTPAGE_REPLICA_URLS") && fault.contains("remove the setting"), "{fault}");
    let fault = the_fault(&[("FRONTPAGE_REPLICA_URLS", "sqlite://news.db")]);
    assert!(fault.contains("number 1 in the list: a replica is a PostgreSQL server"), "{fault}");
}

#[test]
fn postgresql_needs_a_folder_of_keys() {
    let fault = the_fault(&[("DATABASE_URL", "postgres://frontpage@db/frontpage")]);

    assert!(fault.starts_with("FRONTPAGE_SIGNING_KEYS: must be given with PostgreSQL"), "{fault}");
}

#[test]
fn sqlite_refuses_more_than_one_writer() {
    assert!(the_fault(&[("FRONTPAGE_DB_WRITE_CONNECTIONS", "4")]).contains("one writer"));
    assert!(read(&[("FRONTPAGE_DB_WRITE_CONNECTIONS", "1")]).is_ok());
}

#[test]
fn the_demo_refuses_to_be_reachable_from_elsewhere() {
    for (listen, is_allowed) in [("127.0.0.1:0", true), ("[::1]:80", true), ("0.0.0.0:80", false), ("[::]:80", false)] {
        let result = read(&[("FRONTPAGE_DEMO", "true"), ("FRONTPAGE_LISTEN", listen)]);

        assert_eq!(result.is_ok(), is_allowed, "{listen}");
    }
}

#[test]
fn the_public_url_is_read_in_its_normal_form() {
    let config = read(&[("FRONTPAGE_PUBLIC_URL", "HTTPS://API.example.org:443/cms//")]).unwrap();
    assert_eq!(config.http.public_url.as_deref(), Some("https://api.example.org/cms"));
    assert_eq!(read(&[]).unwrap().http.public_url, None);

    for wrong in
        ["api.example.org", "ftp://a.example", "https://a.example/?q", "https://a.example/#f", "https:a.example"]
    {
        assert!(read(&[("FRONTPAGE_PUBLIC_URL", wrong)]).is_err(), "{wrong}");
    }
}

#[test]
fn origins_and_proxies_are_normalized() {
    let config = read(&[
        ("FRONTPAGE_CORS_ORIGINS", "https://WWW.example.org:443, http://localhost:3000"),
        ("FRONTPAGE_TRUSTED_PROXIES", "127.0.0.1, 10.1.2.3/8,::1"),
    ])
    .unwrap();

    assert_eq!(config.http.cors_origins, ["https://www.example.org", "http://localhost:3000"]);
    let proxies: Vec<String> = config.http.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["127.0.0.1/32", "10.0.0.0/8", "::1/128"]);

    for wrong in ["*,https://a.example", "https://a.example/", "null", "https://*.example.org/x", "a.example"] {
        assert!(read(&[("FRONTPAGE_CORS_ORIGINS", wrong)]).is_err(), "{wrong}");
    }
    for wrong in ["0.0.0.0/0", "::/0", "proxy.example.org", "10.0.0.0/33"] {
        assert!(read(&[("FRONTPAGE_TRUSTED_PROXIES", wrong)]).is_err(), "{wrong}");
    }
}

#[test]
fn templates_are_checked() {
    for (template, part) in [
        ("https://www.example.org/{title}", "{section}, {slug}"),
        ("https://www.example.org/news", "must have {slug} or {id}"),
        ("https://www.example.org/{year}", "must have {slug} or {id}"),
        ("https://{slug}.example.org/", "before the path"),
        ("https://www.example.org/#{slug}", "fragment"),
        ("https://www.example.org/{slug", "without a }"),
        ("https://www.example.org/slug}", "without a {"),
        ("/{slug}", "absolute"),
        ("javascript://www.example.org/{slug}", "absolute"),
    ] {
        let fault = the_fault(&[("FRONTPAGE_ARTICLE_URL", template)]);
        assert!(fault.contains(part), "{template}: {fault}");
    }
    assert!(
        the_fault(&[("FRONTPAGE_TAG_URL", "https://a.example/{section}/{slug}")]).contains("known are {slug}, {id}")
    );
}

#[test]
fn templates_are_filled_with_encoded_values() {
    let template = |text: &str, kind| UrlTemplate::parse(text, kind).unwrap();
    let values = [("slug", "خبر"), ("section", "world/asia & more"), ("id", "a/b?c#d")];

    let filled = template("https://www.example.org/{section}/{slug}?from={id}", Kind::Article).expand(&values);
    assert_eq!(filled, "https://www.example.org/world/asia%20%26%20more/%D8%AE%D8%A8%D8%B1?from=a%2Fb%3Fc%23d");

    let filled = template("HTTPS://Bücher.example/näws/{slug}", Kind::Tag).expand(&[("slug", "x")]);
    assert_eq!(filled, "https://xn--bcher-kva.example/n%C3%A4ws/x");
}

#[test]
fn an_article_has_an_address_once_it_has_all_that_goes_into_it() {
    let site =
        read(&[("FRONTPAGE_ARTICLE_URL", "https://a.example/{section}/{year}/{month}/{day}/{slug}")]).unwrap().site;
    let published = crate::clock::Instant::parse("2026-03-09T23:59:00Z");
    let places = ArticlePlaces {
        id: crate::ids::ArticleId::generate(),
        slug: "trains",
        section_path: Some("world/asia"),
        first_published_at: published,
    };

    let url = |places| site.article_url(places);

    assert_eq!(url(places).as_deref(), Some("https://a.example/world/asia/2026/03/09/trains"));
    assert_eq!(url(ArticlePlaces { first_published_at: None, ..places }), None);
    assert_eq!(url(ArticlePlaces { section_path: None, ..places }), None);
}

#[test]
fn what_caches_are_told_is_read_as_directives() {
    let setting = "FRONTPAGE_CACHE_CONTROL_LIST";
    let told = |text: &str| read(&[(setting, text)]).unwrap().delivery.list;
    for text in ["no-store", "public, max-age=0,s-maxage=5", "Public, Max-Age=60, IMMUTABLE"] {
        assert_eq!(told(text), text);
    }
    for wrong in [
        "publik",
        "public=1",
        "public,",
        ",public",
        "max-age",
        "max-age=",
        "max-age=+5",
        "s-maxage=-1",
        "max-age=\"5\"",
        "a\nb",
    ] {
        assert!(the_fault(&[(setting, wrong)]).contains("is neither one of public"), "{wrong}");
    }
}

#[test]
fn traces_go_nowhere_until_an_endpoint_is_given() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/otlp/");
    let traces = |more: &[(&str, &str)]| read(&[&[endpoint], more].concat()).unwrap().traces.unwrap();

    assert!(read(&[("OTEL_SERVICE_NAME", "news")]).unwrap().traces.is_none());
    assert_eq!(traces(&[]).endpoint, "http://collector:4318/otlp/v1/traces");
    assert_eq!((traces(&[]).service_name.as_str(), traces(&[]).patience.as_secs()), ("frontpage", 10));
    let whole = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://collector.example/in?tenant=news");
    assert_eq!(traces(&[whole]).endpoint, whole.1);
    let headers = traces(&[("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%2Cb=, tenant = news")]).headers;
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
    assert_eq!(headers, [("api-key", "a,b="), ("tenant", "news")]);
    assert!(the_fault(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).contains("4318"));
}

#[test]
fn the_samplers_are_those_of_opentelemetry() {
    let sampling = |pairs: &[(&str, &str)]| {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
        let sampling = read(&[&[endpoint], pairs].concat()).unwrap().traces.unwrap().sampling;
        (sampling.follows_caller, sampling.ratio)
    };
    let sampler = "OTEL_TRACES_SAMPLER";

    assert_eq!(sampling(&[]), (true, 1.0));
    assert_eq!(sampling(&[(sampler, "always_off")]), (false, 0.0));
    assert_eq!(sampling(&[(sampler, "traceidratio")]), (false, 1.0));
    let share = ("OTEL_TRACES_SAMPLER_ARG", "0.05");
    assert_eq!(sampling(&[(sampler, "parentbased_traceidratio"), share]), (true, 0.05));
    assert!(the_fault(&[(sampler, "sometimes")]).contains("parentbased_traceidratio"));
    assert!(the_fault(&[share]).contains("is of use only when OTEL_TRACES_SAMPLER"));
    assert!(the_fault(&[("OTEL_TRACES_SAMPLER_ARG", "5")]).contains("from 0 to 1"));
}

#[test]
fn unknown_variables_of_ours_are_faults() {
    let mut faults = ConfigFaults::new();
    let names = ["FRONTPAGE_LISTN", "FRONTPAGE_LISTEN", "FRONTPAGE_TEST_POSTGRES", "DATABASE_URL", "PATH"];

    environment::check_names(names.into_iter().map(str::to_owned), &mut faults);

    let subjects: Vec<_> = faults.iter().map(|fault| fault.subject.as_str()).collect();
    assert_eq!(subjects, ["FRONTPAGE_LISTN"]);
}

#[test]
fn a_broken_file_of_variables_is_a_fault_that_names_the_line() {
    let check = |text: &str| {
        let faults = environment::check_file(Path::new(".env"), text.as_bytes());
        faults.iter().map(ToString::to_string).collect::<Vec<_>>()
    };

    assert_eq!(check("# A comment\n\nA=1\nexport B='two words'\nC=\n"), Vec::<String>::new());
    let broken = check("A=1\n\nPASSWORD s3cret\nB=2\nC=three words\n");
    assert_eq!(broken.len(), 2, "{broken:?}");
    assert!(broken[0].starts_with(".env, line 3: is not of the form NAME=value"), "{broken:?}");
    assert!(broken[1].starts_with(".env, line 5: "), "{broken:?}");
    assert!(!broken[0].contains("s3cret"));
    assert!(check("A=1\nB='open\nC=3\n")[0].starts_with(".env, line 2: "));
    assert!(check("A=1\nA=2\n")[0].contains("more than once"));
}

#[test]
fn the_example_file_lists_exactly_the_settings() {
    let text = read_project_file(".env.example").expect(".env.example is missing");
    let lines = text.lines().filter_map(|line| line.strip_prefix("# ")?.split_once('='));
    // Values with spaces stand in quotes.
    let lines = lines.map(|(name, value)| (name, value.trim_matches('\'')));
    let listed: Vec<(&str, &str)> = lines.filter(|(name, _)| is_name(name)).collect();

    let settings = variables();
    let expected: Vec<(&str, &str)> =
        settings.iter().map(|setting| (setting.name.as_str(), setting.default.as_deref().unwrap_or(""))).collect();

    assert_eq!(listed, expected, "Bring .env.example in line with src/config: same settings, defaults and order.");
    let broken = environment::check_file(Path::new(".env.example"), text.replace("\n# ", "\n#").as_bytes());
    assert!(broken.is_empty(), "{broken}");
}

#[test]
fn the_readme_lists_exactly_the_settings() {
    // The table is checked as soon as there is one.
    let Some(text) = read_project_file("README.md") else { return };
    let cells = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let listed: BTreeSet<&str> = cells.map(|(name, _)| name).filter(|name| is_name(name)).collect();
    let settings = variables();

    let expected: BTreeSet<&str> = settings.iter().map(|setting| setting.name.as_str()).collect();

    assert_eq!(listed, expected, "Bring the configuration table of README.md in line with src/config.");
}

fn is_name(text: &str) -> bool {
    text.starts_with("FRONTPAGE_") || text.starts_with("OTEL_") || text == "DATABASE_URL"
}

fn read_project_file(name: &str) -> Option<String> {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).ok()
}
