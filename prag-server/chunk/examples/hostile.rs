//! tmp
use prag_chunk::*;
fn main(){
 let w=|t:&str| t.split_whitespace().map(|w|w.len().div_ceil(8)).sum::<usize>();
 let n=2<<20;
 let rep=|s:&str| s.repeat(n/s.len());
 let cases:Vec<(&str,String)>=vec![("spaces",rep(" ")),("a",rep("a")),("words",rep("word ")),("nl",rep("\n")),("hash",rep("# h\n")),("gt",rep(">")),("lt",rep("<")),("lta",rep("<a")),("amp",rep("&amp;")),("amps",rep("&")),("star",rep("*a_")),("br",rep("[")),("div",rep("<div>")),("svg",rep("<svg>")),("bt",rep("`")),("pipe",rep("|")),("li",rep("- ")),("zalgo",rep("\u{301}")),("cm",rep("<!--")),("h1",rep("<h1>x")),("fence",rep("```\n")),("json",rep("\"a\"\n")),("jsonobj",rep("{\"a\":\"b\"}\n")),("quote", rep("> - ")),("img",rep("![](")),("prose", rep("The quick brown fox jumps over the lazy dog. It was not amused.\n\n"))];
 let only=std::env::args().nth(1);
 for (n,s) in cases{ if only.as_deref().is_some_and(|o|o!=n){continue}
  for f in [Format::Text,Format::Markdown,Format::Html,Format::Jsonl]{
   let t=std::time::Instant::now();
   let r=chunk(f,&s,&w,&Params::new(256)).map(|p|p.len());
   let e=t.elapsed(); if e.as_millis()>400{println!("{n} {f:?} {:?} {:?}",e,r);} } }
}
