// reads lines {rule,data}; writes lines {value} | {error:true}; values with undefined/NaN/Infinity/-0 tagged
const jl=require('json-logic-js');console.log=()=>{};
const rl=require('readline').createInterface({input:process.stdin});
function tag(v){ if(v===undefined)return {"$":"undefined"}; if(typeof v==='number'){ if(Number.isNaN(v))return{"$":"NaN"}; if(v===Infinity)return{"$":"Infinity"}; if(v===-Infinity)return{"$":"-Infinity"}; if(Object.is(v,-0))return{"$":"-0"}; return v;}
 if(typeof v==='function')return{"$":"function"};
 if(Array.isArray(v))return v.map(tag); if(v&&typeof v==='object'){const o={};for(const k of Object.keys(v)) Object.defineProperty(o,k,{value:tag(v[k]),enumerable:true});return o;} return v;}
const out=[];
rl.on('line',l=>{const {rule,data}=JSON.parse(l);let r;try{r={value:tag(jl.apply(rule,data))}}catch(e){r={error:String(e.message)}}out.push(JSON.stringify(r))});
rl.on('close',()=>process.stdout.write(out.join('\n')+'\n'));
