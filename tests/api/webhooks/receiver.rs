//! Receivers of webhooks: some that do as they should, and some that do not.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Arrived {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Which of the signatures is by this secret, checked as the specification says; none, when no one is.
    pub fn signature_by(&self, secret: &str) -> Option<usize> {
        let key = STANDARD.decode(secret.trim_start_matches("whsec_")).unwrap();
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
        let signed = format!("{}.{}.{}", self.header("webhook-id"), self.header("webhook-timestamp"), self.body);
        self.header("webhook-signature").split(' ').position(|signature| {
            let signature = STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap();
            aws_lc_rs::hmac::verify(&key, signed.as_bytes(), &signature).is_ok()
        })
    }
}

/// What a receiver does with a request, on the connection that it came on.
pub type Manner = Arc<dyn Fn(&Arrived, &mut TcpStream) + Send + Sync>;

/// A receiver.
pub struct Receiver {
    pub addr: SocketAddr,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    n_connections: Arc<AtomicUsize>,
    manner: Arc<Mutex<Manner>>,
}

/// Answers with a status, more headers and a body.
pub fn answer(status: u16, headers: &'static str, body: &'static str) -> Manner {
    Arc::new(move |_, stream| {
        let length = body.len();
        let _ = write!(
            stream,
            "HTTP/1.1 {status} Whatever\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
    })
}

impl Receiver {
    pub fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Self {
            addr: listener.local_addr().unwrap(),
            arrived: Arc::default(),
            n_connections: Arc::default(),
            manner: Arc::new(Mutex::new(manner)),
        };
        let (arrived, n, manner) = (receiver.arrived.clone(), receiver.n_connections.clone(), receiver.manner.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                n.fetch_add(1, Ordering::SeqCst);
                let (arrived, manner) = (arrived.clone(), manner.clone());
                std::thread::spawn(move || serve(stream, &arrived, &manner));
            }
        });
        receiver
    }

    pub fn well() -> Self {
        Self::start(answer(204, "", ""))
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook?a=b", self.addr)
    }

    pub fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    pub fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    pub fn n_connections(&self) -> usize {
        self.n_connections.load(Ordering::SeqCst)
    }
}

fn serve(mut stream: TcpStream, arrived: &Mutex<Vec<Arrived>>, manner: &Mutex<Manner>) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let head = reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let headers: Vec<(String, String)> = head
        .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned())))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let request = Arrived { line: line.trim().to_owned(), headers, body: String::from_utf8(body).ok()? };
    arrived.lock().unwrap().push(request.clone());
    let manner = manner.lock().unwrap().clone();
    manner(&request, &mut stream);
    Some(())
}

/// A receiver that speaks TLS with a certificate that it has made itself.
pub struct Imposter {
    pub url: String,
    /// How many have looked at the certificate and left.
    pub n_refused: Arc<AtomicUsize>,
}

impl Imposter {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/hook", listener.local_addr().unwrap());
        let (n_refused, acceptor) = (Arc::new(AtomicUsize::new(0)), with_own_certificate());
        let counts = n_refused.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if acceptor.accept(stream).is_err() {
                    counts.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self { url, n_refused }
    }
}

fn with_own_certificate() -> openssl::ssl::SslAcceptor {
    use openssl::{
        asn1::Asn1Time,
        ec::{EcGroup, EcKey},
        hash::MessageDigest,
        nid::Nid,
        pkey::PKey,
        ssl::{SslAcceptor, SslMethod},
        x509::{X509, X509Name, extension::SubjectAlternativeName},
    };
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", "127.0.0.1").unwrap();
    let name = name.build();
    let mut certificate = X509::builder().unwrap();
    certificate.set_version(2).unwrap();
    certificate.set_subject_name(&name).unwrap();
    certificate.set_issuer_name(&name).unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    let own = SubjectAlternativeName::new().ip("127.0.0.1").build(&certificate.x509v3_context(None, None)).unwrap();
    certificate.append_extension(own).unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
    acceptor.set_private_key(&key).unwrap();
    acceptor.set_certificate(&certificate.build()).unwrap();
    acceptor.build()
}
