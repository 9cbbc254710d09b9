use std::net::Ipv4Addr;

/// An IPv4 address in the form of `Display`, which is too slow for every request.
#[derive(Clone, Copy)]
pub(crate) struct Dotted {
    text: [u8; LONGEST.len()],
    end: usize,
}

/// With the final dot, which is not written.
const LONGEST: &str = "255.255.255.255.";

impl Dotted {
    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text[..self.end - 1]
    }

    fn push(&mut self, b: u8) {
        self.text[self.end] = b;
        self.end += 1;
    }
}

impl From<Ipv4Addr> for Dotted {
    fn from(address: Ipv4Addr) -> Self {
        let mut dotted = Self {
            text: [0; LONGEST.len()],
            end: 0,
        };
        for octet in address.octets() {
            if octet >= 100 {
                dotted.push(b'0' + octet / 100);
            }
            if octet >= 10 {
                dotted.push(b'0' + octet / 10 % 10);
            }
            dotted.push(b'0' + octet % 10);
            dotted.push(b'.');
        }
        dotted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_is_written_as_usual() {
        for octet in 0..=u8::MAX {
            for address in [[octet, 0, 10, octet], [255, octet, 255, 255]] {
                let address = Ipv4Addr::from(address);
                assert_eq!(Dotted::from(address).as_str(), address.to_string());
            }
        }
    }
}
