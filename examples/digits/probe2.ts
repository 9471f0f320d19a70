import { tensor, zeros } from 'gradloom';
const t=(n:string,f:()=>any)=>{const s=performance.now();const r=f();console.log(n,(performance.now()-s).toFixed(0));return r};
t('init',()=>zeros([1]));
const b=new Uint8Array(60000*784).fill(7);
t('host loop',()=>{const f=new Float32Array(b.length);for(let i=0;i<b.length;i++)f[i]=b[i]!/255;return f});
const x=t('tensor',()=>tensor(b,{shape:[60000,784]}));
t('tensor again',()=>tensor(b,{shape:[60000,784]}));
t('div_',()=>x.div_(255));
t('div',()=>x.div(255));
